//! The measured server's own cost, and how work on it went.
use std::collections::HashMap;

pub struct Cpu {
    pub ticks: u64,
    pub rss_kb: u64,
}
pub fn cpu_of(pids: &[i32]) -> Cpu {
    let (mut ticks, mut rss) = (0, 0);
    for p in pids {
        if let Ok(s) = std::fs::read_to_string(format!("/proc/{p}/stat")) {
            let f: Vec<&str> = s.rsplit_once(')').map(|x| x.1).unwrap_or("").split_whitespace().collect();
            if f.len() > 13 {
                ticks += f[11].parse::<u64>().unwrap_or(0) + f[12].parse::<u64>().unwrap_or(0);
            }
        }
        if let Ok(s) = std::fs::read_to_string(format!("/proc/{p}/smaps_rollup")) {
            for l in s.lines() {
                if let Some(v) = l.strip_prefix("Pss:") {
                    rss += v.split_whitespace().next().and_then(|x| x.parse::<u64>().ok()).unwrap_or(0);
                }
            }
        }
    }
    Cpu { ticks, rss_kb: rss }
}
/// What the measured servers cost beside their own time: this generator, in whose system calls the kernel delivers packets over loopback, and
/// the kernel's threads for packets that it is late with.
pub fn everyone(pids: &[i32]) -> Cpu {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_late = |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with("ksoftirqd"));
    let all: Vec<i32> = numbers.filter(is_late).chain(pids.iter().copied()).chain([std::process::id() as i32]).collect();
    cpu_of(&all)
}

pub fn cpu_secs(a: &Cpu, b: &Cpu) -> f64 {
    (b.ticks - a.ticks) as f64 / 100.0
}

pub struct Stats {
    pub ok: u64,
    pub failed: u64,
    pub retrans: u64,
    pub lat_us: Vec<u32>,
    pub codes: HashMap<u16, u64>,
}
impl Stats {
    pub fn new() -> Self {
        Stats { ok: 0, failed: 0, retrans: 0, lat_us: vec![], codes: HashMap::new() }
    }
    pub fn report(&mut self, what: &str, wall: f64, cpu: f64, before: &Cpu, after: &Cpu) {
        self.lat_us.sort_unstable();
        let q = |p: f64| self.lat_us.get(((self.lat_us.len() as f64) * p) as usize).copied().unwrap_or(0);
        let (p50, p99) = (q(0.50), q(0.99));
        println!(
            "{what}: ok {} failed {} retransmitted {} rate {:.0}/s p50 {} us p99 {} us server-cpu {:.2} s = {:.1} us/op mem {} -> {} kB codes {:?}",
            self.ok,
            self.failed,
            self.retrans,
            self.ok as f64 / wall,
            p50,
            p99,
            cpu,
            if self.ok > 0 { cpu * 1e6 / self.ok as f64 } else { 0.0 },
            before.rss_kb,
            after.rss_kb,
            {
                let mut c: Vec<_> = self.codes.iter().collect();
                c.sort();
                c
            }
        );
    }
}
