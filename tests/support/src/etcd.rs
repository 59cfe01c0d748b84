//! A real etcd cluster on loopback addresses of its own, in a folder of its own.

use crate::{Member, Scratch, http_get, own_address, require, wait_for};
use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

/// Members that end with this value.
pub struct Etcd {
    /// To be killed one by one.
    pub members: Vec<Member>,
    _scratch: Scratch,
}

impl Etcd {
    /// Starts `count` members and waits until they have a leader.
    #[track_caller]
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
            Member::start(&format!("etcd-{n}"), *ip, command)
        };
        let members = addresses.iter().enumerate().map(start).collect();
        let etcd = Etcd { members, _scratch: scratch };
        etcd.wait_until_healthy();
        etcd
    }

    /// Waits until every member sees a leader.
    #[track_caller]
    pub fn wait_until_healthy(&self) {
        wait_for("etcd to elect a leader", Duration::from_secs(20), || {
            let health = |member: &Member| http_get(&format!("{}:2379", member.address), "/health");
            let is_healthy = |member: &Member| health(member).is_some_and(|health| health.contains("true"));
            self.members.iter().all(is_healthy).then_some(())
        });
    }

    /// The index of the member that leads.
    #[track_caller]
    pub fn leader(&self) -> usize {
        let leads = |member: &Member| {
            let metrics = http_get(&format!("{}:2379", member.address), "/metrics").unwrap_or_default();
            metrics.lines().any(|line| line == "etcd_server_is_leader 1")
        };
        wait_for("a leader", Duration::from_secs(20), || self.members.iter().position(leads))
    }

    /// Where clients reach it.
    pub fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(|member| format!("{}:2379", member.address)).collect()
    }
}
