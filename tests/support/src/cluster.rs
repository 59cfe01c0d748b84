//! A whole exchange as one process a role: three registries on three etcd members, two proxies, two media nodes. Each has an
//! address of its own, so that all keep their usual ports, and each can be killed and started again. They speak mutual TLS.

use crate::authority;
use crate::{Etcd, Program, Scratch, http_get, own_address, wait_for};
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One process of a cluster.
pub struct Member {
    /// What it is called.
    pub name: String,
    /// Where it listens.
    pub address: IpAddr,
    /// The process that runs now, or ran last.
    pub program: Program,
    command: Command,
}

impl Member {
    /// Starts it.
    #[track_caller]
    pub fn start(name: &str, address: IpAddr, mut command: Command) -> Member {
        Member { name: name.to_owned(), address, program: Program::start(name, &mut command), command }
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        self.program.kill();
    }

    /// Starts it again as it was started first.
    #[track_caller]
    pub fn restart(&mut self) {
        self.program = Program::start(&self.name, &mut self.command);
    }

    /// Waits until the console says that the role is ready.
    #[track_caller]
    pub fn wait_until_ready(&mut self) {
        let console = format!("{}:8080", self.address);
        let program = &mut self.program;
        wait_for(&format!("{} to be ready", self.name), Duration::from_secs(30), || {
            assert!(program.is_running(), "it ended");
            http_get(&console, "/ready")
        });
    }
}

/// The members, which end with this value. One cluster runs at a time: each has ten processes.
pub struct Cluster {
    /// The store.
    pub etcd: Etcd,
    /// Three.
    pub registries: Vec<Member>,
    /// Two.
    pub proxies: Vec<Member>,
    /// Two.
    pub media: Vec<Member>,
    binary: String,
    scratch: Scratch,
    _only: MutexGuard<'static, ()>,
}

static ONLY: Mutex<()> = Mutex::new(());

impl Cluster {
    /// Starts everything and waits until every registry names every member.
    #[track_caller]
    pub fn start(binary: &str) -> Cluster {
        let only = ONLY.lock().unwrap_or_else(PoisonError::into_inner);
        let scratch = Scratch::new();
        let etcd = Etcd::start(3);
        let store = etcd.endpoints().join(",");
        let addresses: Vec<IpAddr> = (0..3).map(|_| own_address()).collect();
        let join: Vec<String> = addresses.iter().map(|ip| format!("\"{ip}:7400\"")).collect();
        let join = join.join(", ");
        let bundle = scratch.write("cluster.pem", authority::bundle());
        let tls = format!("tls = {{ ca = {bundle:?}, cert = {bundle:?}, key = {bundle:?} }}\n");
        let join = format!("[registry]\njoin = [{join}]\n{tls}");
        let start = |role: &str, n: usize, ip: IpAddr, text: String| {
            let name = format!("{role}-{n}");
            let text = format!("name = \"{name}\"\n[console]\nlisten = \"{ip}:8080\"\n{text}");
            let mut command = Command::new(binary);
            command.arg(role).arg("--config").arg(scratch.write(&format!("{name}.toml"), text));
            Member::start(&name, ip, command)
        };
        let registry = |n: usize, ip: IpAddr| {
            start("registry", n, ip, format!("[registry]\nlisten = \"{ip}:7400\"\nstore = \"etcd://{store}\"\n{tls}"))
        };
        let proxy = |n: usize, ip: IpAddr| {
            let text = format!("[proxy]\nlisten = [\"udp://{ip}:5060\"]\ninside = \"{ip}:5080\"\nworkers = 1\n{join}");
            start("proxy", n, ip, text)
        };
        let media = |n: usize, ip: IpAddr| {
            // Ports rest before they are used again, and the tests call often.
            let first = 20_000 + 5_000 * n;
            let rtp = format!("rtp = {{ ports = \"{first}-{}\" }}", first + 4_999);
            // The phones of these tests are mute, and their calls are to stay.
            let more = format!(
                "shards = 1\nsilence = \"10m\"\nobjects = \"file:{0}\"\nrecording.spool = \"{0}/spool-{n}\"",
                scratch.path().display()
            );
            start("media", n, ip, format!("[media]\ninside = \"{ip}:5090\"\n{rtp}\n{more}\n{join}"))
        };
        let registries: Vec<Member> = addresses.iter().enumerate().map(|(n, ip)| registry(n, *ip)).collect();
        let proxies = (0..2).map(|n| proxy(n, own_address())).collect();
        let media = (0..2).map(|n| media(n, own_address())).collect();
        let mut cluster = Cluster { etcd, registries, proxies, media, binary: binary.to_owned(), scratch, _only: only };
        cluster.wait_until_whole();
        cluster
    }

    /// Waits until every role is ready and every registry names all seven members.
    #[track_caller]
    pub fn wait_until_whole(&mut self) {
        for member in self.registries.iter_mut().chain(&mut self.proxies).chain(&mut self.media) {
            member.wait_until_ready();
        }
        wait_for("every registry to name seven members", Duration::from_secs(30), || {
            let names_all = |lines: &String| lines.matches("\"role\"").count() == 7;
            self.ask_all(&["get", "members", "--json"]).iter().all(names_all).then_some(())
        });
    }

    /// Asks a registry; the exit status and what was printed.
    fn ask(&self, registry: &Member, arguments: &[&str]) -> (i32, String) {
        let config = self.scratch.path().join(format!("{}.toml", registry.name));
        let output = Command::new(&self.binary).args(arguments).arg("--config").arg(config).output();
        let output = output.expect("the binary under test runs");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
    }

    /// What each registry answers to one command.
    #[track_caller]
    pub fn ask_all(&self, arguments: &[&str]) -> Vec<String> {
        let ask = |registry: &Member| {
            let (status, said) = self.ask(registry, arguments);
            assert_eq!(status, 0, "{} to {arguments:?}: {said}", registry.name);
            said
        };
        self.registries.iter().map(ask).collect()
    }

    /// Adds users `u0`, `u1` … with passwords `pw-u0` … and extensions from 7000 up to the demo's domain.
    #[track_caller]
    pub fn import_users(&self, count: usize) {
        let row = |n: usize| format!("u{n},pw-u{n},{},\n", 7000 + n);
        let rows: String = (0..count).map(row).collect();
        let file = self.scratch.write("users.csv", format!("name,password,extension,caller_id\n{rows}"));
        let file = file.to_string_lossy();
        let import = ["import", "users", &file, "--domain", "tandem.local", "--class", "internal"];
        let (status, said) = self.ask(&self.registries[0], &import);
        assert_eq!(status, 0, "{said}");
    }

    /// Where phones reach the proxies, in order.
    pub fn faces(&self) -> Vec<SocketAddr> {
        self.proxies.iter().map(|proxy| SocketAddr::new(proxy.address, 5060)).collect()
    }
}
