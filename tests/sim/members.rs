//! The processes of the exchange: each may be dead, and each has a view of its own.

use crate::address::{self, CLUSTER, PUBLIC};
use crate::media::Ports;
use call::Shard;
use proto::view::View;
use proxy::edge::{Edge, Flows, Outbox, PassedRegistrations, PublicName, Settings};
use sip::token::{Flow, ShardId};
use std::net::SocketAddr;
use std::sync::Arc;

/// A proxy and what it remembers.
pub struct Proxy {
    pub id: u16,
    pub inside: SocketAddr,
    pub view: Arc<View>,
    pub edge: Option<Edge>,
    pub out: Outbox,
    /// Counts its starts, so that an answer to one life does not reach the next.
    pub life: u32,
}

impl Proxy {
    pub fn new(index: usize, view: Arc<View>) -> Proxy {
        let (id, inside) = (index as u16 + 1, address::inside(index));
        view.own_id.store(id.into(), std::sync::atomic::Ordering::Relaxed);
        Proxy { id, inside, view, edge: None, out: Outbox::default(), life: 0 }
    }

    /// Starts the process, with nothing remembered.
    pub fn start(&mut self, seed: u64) {
        let mut settings = Settings::new(&format!("proxy{}", self.id), CLUSTER, REGION, self.inside);
        settings.hosts.push(PUBLIC.ip().to_string());
        let passed = Arc::new(PassedRegistrations::new(1000));
        self.edge = Some(Edge::new(settings, self.view.clone(), passed, seed));
        self.life += 1;
    }
}

/// One shard of a media node.
pub struct Member {
    pub id: ShardId,
    pub address: SocketAddr,
    pub view: Arc<View>,
    pub shard: Option<Shard>,
    pub ports: Ports,
    /// Messages that it was given.
    pub heard: usize,
}

impl Member {
    pub fn new(node: usize, shard: u8, view: Arc<View>) -> Member {
        let first = address::node(node);
        let address = SocketAddr::new(first.ip(), first.port() + u16::from(shard));
        Member {
            id: ShardId { node: node_id(node), shard },
            address,
            view,
            shard: None,
            ports: Ports::default(),
            heard: 0,
        }
    }

    /// Starts the shard, without calls.
    pub fn start(&mut self, seed: u64) {
        let mut settings = call::Settings::new(self.id, self.address);
        settings.node = format!("media{}", self.id.node);
        settings.region = REGION.to_owned();
        settings.cluster = CLUSTER.to_owned();
        self.shard = Some(Shard::new(settings, self.view.clone(), seed));
    }
}

/// The member id of a media node.
pub fn node_id(node: usize) -> u16 {
    node as u16 + 11
}

/// Where everybody is.
pub const REGION: &str = "paris";

/// Datagrams need no connection: any proxy may use any flow.
pub struct Datagrams;

impl Flows for Datagrams {
    fn public_name(&self, _: &Flow) -> Option<PublicName> {
        Some(PublicName::new(&PUBLIC.ip().to_string(), PUBLIC.port()))
    }
}
