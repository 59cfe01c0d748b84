//! Another machine, beyond an interface: a network namespace at the other end of a cable.

use crate::{require, wait_for};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// One such machine; it is gone when the value is dropped.
pub struct Elsewhere {
    ip: PathBuf,
    name: String,
    cable: String,
    /// This machine's address on the cable.
    pub here: Ipv4Addr,
    /// The other machine's.
    pub there: Ipv4Addr,
}

impl Elsewhere {
    /// Makes one; its cable has the interface's own sums turned off, so that what arrives with a wrong one is dropped there. `None` where this
    /// machine is known to make none: `tests/run` finds that out, says so, and sets `TANDEM_WITHOUT_NETNS`.
    ///
    /// # Panics
    /// Without root, or without one of the programs that it needs.
    pub fn new() -> Option<Elsewhere> {
        if std::env::var_os("TANDEM_WITHOUT_NETNS").is_some() {
            return None;
        }
        let (ip, ethtool) = (require("ip", "apt-get install iproute2"), require("ethtool", "apt-get install ethtool"));
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let (process, number) = (std::process::id() % (1 << 13), NEXT.fetch_add(1, Ordering::Relaxed) % 4);
        let (name, cable) = (format!("tandem-{process}-{number}"), format!("tdm{process}-{number}"));
        // 198.18.0.0/15 is for measurements (RFC 2544), in networks of four addresses.
        let network = u32::from(Ipv4Addr::new(198, 18, 0, 0)) + (process * 4 + number) * 4;
        let elsewhere = Elsewhere { ip, name, cable, here: (network + 1).into(), there: (network + 2).into() };
        let Elsewhere { ip, name, cable, here, there } = &elsewhere;
        for command in [
            format!("netns add {name}"),
            format!("link add {cable} type veth peer name cable netns {name}"),
            format!("addr add {here}/30 dev {cable}"),
            format!("link set {cable} up"),
            format!("-n {name} addr add {there}/30 dev cable"),
            format!("-n {name} link set lo up"),
            format!("-n {name} link set cable up"),
        ] {
            run(Command::new(ip).args(command.split(' ')));
        }
        run(Command::new(&ethtool).args(["-K", cable, "tx", "off"]));
        run(elsewhere.command().arg(&ethtool).args(["-K", "cable", "tx", "off"]));
        // Until both ends are up the kernel drops what is sent.
        for end in [&["link", "show", cable][..], &["-n", name, "link", "show", "cable"]] {
            wait_for("a cable that is up", Duration::from_secs(10), || {
                let shown = Command::new(ip).args(end).output().ok()?;
                String::from_utf8_lossy(&shown.stdout).contains("state UP").then_some(())
            });
        }
        Some(elsewhere)
    }

    /// What the cable carries in one packet, in bytes.
    pub fn set_mtu(&self, mtu: u32) {
        run(Command::new(&self.ip).args(["link", "set", &self.cable, "mtu", &mtu.to_string()]));
    }

    /// What gets through to the other machine in one packet, in bytes, as far as this machine's routes know.
    pub fn set_way_mtu(&self, mtu: u32) {
        let (there, mtu) = (self.there.to_string(), mtu.to_string());
        run(Command::new(&self.ip).args(["route", "replace", &there, "dev", &self.cable, "mtu", &mtu]));
    }

    /// What runs a program on that machine: the program and what it is told come after it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.ip);
        command.args(["netns", "exec", &self.name]);
        command
    }

    /// A socket of that machine, which waits up to three seconds for a datagram: the first one may take that long to find its neighbour.
    ///
    /// # Panics
    /// If there can be none.
    pub fn socket(&self) -> UdpSocket {
        let (namespace, there) = (File::open(format!("/run/netns/{}", self.name)).expect("it was made"), self.there);
        let bind = move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                .expect("only root makes one");
            let socket = UdpSocket::bind((there, 0)).expect("ports are free there");
            socket.set_read_timeout(Some(Duration::from_secs(3))).expect("it may wait");
            socket
        };
        // A thread stays where it has gone, and a socket where it was made.
        std::thread::spawn(bind).join().expect("a socket")
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        for command in [["link", "delete", &self.cable], ["netns", "delete", &self.name]] {
            let _ = Command::new(&self.ip).args(command).status();
        }
    }
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}; it takes root");
}
