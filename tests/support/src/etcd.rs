//! A real etcd cluster on loopback addresses of its own, in a folder of its own.

use crate::{Authority, Member, Scratch, http_get, own_address, require, wait_for};
use etcd_client::{Client, ConnectOptions, Permission};
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
        Etcd::start_for(count, None)
    }

    /// The same over TLS, for clients with a certificate of this authority.
    #[track_caller]
    pub fn start_with_certificates(count: usize, authority: &Authority) -> Etcd {
        Etcd::start_for(count, Some(authority))
    }

    #[track_caller]
    fn start_for(count: usize, authority: Option<&Authority>) -> Etcd {
        let program = require("etcd", "apt-get install etcd-server");
        let scratch = Scratch::new();
        let addresses: Vec<IpAddr> = (0..count).map(|_| own_address()).collect();
        let peers: Vec<String> = addresses.iter().enumerate().map(|(n, ip)| format!("m{n}=http://{ip}:2380")).collect();
        let start = |(n, ip): (usize, &IpAddr)| {
            let mut command = Command::new(&program);
            command.arg("--name").arg(format!("m{n}")).arg("--data-dir").arg(scratch.path().join(format!("m{n}")));
            let scheme = if authority.is_some() { "https" } else { "http" };
            for flag in ["--listen-client-urls", "--advertise-client-urls"] {
                command.arg(flag).arg(format!("{scheme}://{ip}:2379"));
            }
            command.arg("--listen-peer-urls").arg(format!("http://{ip}:2380"));
            command.arg("--listen-metrics-urls").arg(format!("http://{ip}:2381"));
            if let Some(authority) = authority {
                let (certificate, key) = authority.issue(&ip.to_string());
                command.arg("--client-cert-auth");
                for (flag, name, text) in [
                    ("--trusted-ca-file", "ca.pem".to_owned(), &authority.certificate),
                    ("--cert-file", format!("m{n}.pem"), &certificate),
                    ("--key-file", format!("m{n}.key"), &key),
                ] {
                    command.arg(flag).arg(scratch.write(&name, text));
                }
            }
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
            let health = |member: &Member| http_get(&format!("{}:2381", member.address), "/health");
            let is_healthy = |member: &Member| health(member).is_some_and(|health| health.contains("true"));
            self.members.iter().all(is_healthy).then_some(())
        });
    }

    /// The index of the member that leads.
    #[track_caller]
    pub fn leader(&self) -> usize {
        let leads = |member: &Member| {
            let metrics = http_get(&format!("{}:2381", member.address), "/metrics").unwrap_or_default();
            metrics.lines().any(|line| line == "etcd_server_is_leader 1")
        };
        wait_for("a leader", Duration::from_secs(20), || self.members.iter().position(leads))
    }

    /// Lets in only who knows a password: root, and a user whose role may read and write all keys.
    pub fn require_password(&self, options: ConnectOptions, user: &str, password: &str) {
        let endpoints = self.endpoints();
        let enable = async move {
            let mut client = Client::connect(endpoints, Some(options)).await?;
            client.user_add("root", password, None).await?;
            client.role_add("root").await?;
            client.user_grant_role("root", "root").await?;
            client.user_add(user, password, None).await?;
            client.role_add("registry").await?;
            client.role_grant_permission("registry", Permission::read_write("").with_all_keys()).await?;
            client.user_grant_role(user, "registry").await?;
            client.auth_enable().await
        };
        // The caller may be in a runtime of its own.
        std::thread::scope(|scope| {
            let enabled = scope.spawn(|| tokio::runtime::Runtime::new().expect("a runtime").block_on(enable)).join();
            enabled.expect("no panic").expect("etcd answers");
        });
    }

    /// Where clients reach it.
    pub fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(|member| format!("{}:2379", member.address)).collect()
    }
}
