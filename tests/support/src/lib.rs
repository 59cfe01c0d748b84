//! What the end-to-end tests share: programs that end with the test, addresses of their own, and waiting in bounded time.
//!
//! Each test takes loopback addresses that no other running test has, so that every program keeps its usual ports.

mod authority;
pub mod cluster;
pub mod digest;
mod elsewhere;
pub mod etcd;
pub mod exchange;
pub mod phone;
pub mod program;
pub mod s3;

pub use authority::{Authority, bundle};
pub use cluster::{Cluster, Member};
pub use elsewhere::Elsewhere;
pub use etcd::Etcd;
pub use exchange::Exchange;
pub use phone::Phone;
pub use program::{Program, require};
pub use s3::S3;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// An address in 127.0.0.0/8 that no other test process uses: process id and a counter choose it.
pub fn own_address() -> IpAddr {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let host = NEXT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id() % 0xFFFF;
    assert!(host < 255, "a test takes at most 254 addresses");
    IpAddr::V4(Ipv4Addr::new(127, 1 + (process >> 8) as u8 % 250, process as u8, host as u8))
}

/// What the kernel does for a test; `None` where it is known not to. `tests/run` finds that out, says so, and sets `TANDEM_WITHOUT_BPF`.
///
/// # Panics
/// If it should and does not.
pub fn of_the_kernel<T, E: std::fmt::Display>(made: Result<T, E>) -> Option<T> {
    match made {
        Ok(made) => Some(made),
        Err(_) if std::env::var_os("TANDEM_WITHOUT_BPF").is_some() => None,
        Err(why) => panic!("{why}; run the test as root, or with TANDEM_WITHOUT_BPF=1 where that does not help"),
    }
}

/// A fresh folder that is removed when the value is dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new, empty folder.
    pub fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tandem-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("the temporary folder is writable");
        Scratch(path)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file into it and gives its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).expect("the temporary folder is writable");
        }
        std::fs::write(&path, content).expect("the temporary folder is writable");
        path
    }
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Polls until `found` gives something, or fails the test after `limit` with what it waited for.
#[track_caller]
pub fn wait_for<T>(what: &str, limit: Duration, mut found: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(Instant::now() < end, "waited {limit:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The body of an HTTP GET, or `None` where nothing answers with 200.
pub fn http_get(address: &str, path: &str) -> Option<String> {
    http_answer(address, path).filter(|(status, _)| *status == 200).map(|(_, body)| body)
}

/// Status and body of an HTTP GET, or `None` where nothing answers.
pub fn http_answer(address: &str, path: &str) -> Option<(u16, String)> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}
