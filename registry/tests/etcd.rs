//! A real etcd cluster on loopback addresses of its own, in a folder of its own.

use registry::store::etcd::Options;
use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;
use support::{Program, Scratch, own_address, require, wait_for};

/// Members that end with this value.
pub struct Etcd {
    /// To be killed one by one.
    pub members: Vec<Program>,
    addresses: Vec<IpAddr>,
    _scratch: Scratch,
}

impl Etcd {
    /// Starts `count` members and waits until they have a leader.
    pub fn start(count: usize) -> Etcd {
        let program = require("etcd", "apt-get install etcd-server");
        let scratch = Scratch::new();
        let addresses: Vec<IpAddr> = (0..count).map(|_| own_address()).collect();
        let peers: Vec<String> = addresses.iter().enumerate().map(|(n, ip)| format!("m{n}=http://{ip}:2380")).collect();
        let start = |(n, ip): (usize, &IpAddr)| {
            let mut command = Command::new(&program);
            command.arg("--name").arg(format!("m{n}")).arg("--data-dir").arg(scratch.path().join(format!("m{n}")));
            for (flag, port) in [("client", 2379), ("peer", 2380)] {
                command.arg(format!("--listen-{flag}-urls")).arg(format!("http://{ip}:{port}"));
            }
            command.arg("--advertise-client-urls").arg(format!("http://{ip}:2379"));
            command.arg("--initial-advertise-peer-urls").arg(format!("http://{ip}:2380"));
            command.arg("--initial-cluster").arg(peers.join(","));
            command.args(["--heartbeat-interval", "50", "--election-timeout", "500", "--logger", "zap"]);
            Program::start(&format!("etcd m{n}"), &mut command)
        };
        let members = addresses.iter().enumerate().map(start).collect();
        let etcd = Etcd { members, addresses, _scratch: scratch };
        wait_for("etcd to elect a leader", Duration::from_secs(20), || {
            let healthy =
                |ip: &IpAddr| support::http_get(&format!("{ip}:2379"), "/health").is_some_and(|h| h.contains("true"));
            etcd.addresses.iter().all(healthy).then_some(())
        });
        etcd
    }

    /// The index of the member that leads.
    pub fn leader(&self) -> usize {
        let leads = |ip: &IpAddr| {
            let metrics = support::http_get(&format!("{ip}:2379"), "/metrics").unwrap_or_default();
            metrics.lines().any(|line| line == "etcd_server_is_leader 1")
        };
        self.addresses.iter().position(leads).expect("one leads")
    }

    /// How to reach it.
    pub fn options(&self) -> Options {
        let endpoints = self.addresses.iter().map(|ip| format!("{ip}:2379")).collect();
        Options { endpoints, ..Options::default() }
    }
}
