//! Who is in the cluster and what they know: directory, keys and membership.

use crate::address;
use crate::members::{Member, Proxy, REGION, node_id};
use crate::registry::Registry;
use proto::directory::{DEMO, Directory};
use proto::gruu;
use proto::membership::Membership;
use proto::view::View;
use proto::wire;
use sip::token::{BranchKey, Key, KeyRing, Keys};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

/// How many processes of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub proxies: usize,
    pub nodes: usize,
    /// Shards of each node.
    pub shards: u8,
}

/// One process with all roles.
pub const SINGLE: Shape = Shape { proxies: 1, nodes: 1, shards: 1 };

/// Two proxies, two media nodes.
pub const CLUSTERED: Shape = Shape { proxies: 2, nodes: 2, shards: 2 };

/// All processes.
pub struct Cluster {
    pub shape: Shape,
    pub proxies: Vec<Proxy>,
    pub shards: Vec<Member>,
    pub registry: Registry,
    epoch: u64,
    /// So many media nodes have joined.
    joined: usize,
    /// The media nodes of this epoch.
    media: Vec<wire::Member>,
}

impl Cluster {
    /// The processes of this shape and one more media node that has not joined; none runs yet.
    pub fn new(shape: Shape) -> Cluster {
        let proxies = (0..shape.proxies).map(|index| Proxy::new(index, view())).collect();
        let mut shards = Vec::new();
        for node in 0..=shape.nodes {
            let view = view();
            view.own_id.store(node_id(node).into(), std::sync::atomic::Ordering::Relaxed);
            shards.extend((0..shape.shards).map(|shard| Member::new(node, shard, view.clone())));
        }
        Cluster { shape, proxies, shards, registry: Registry::default(), epoch: 0, joined: 0, media: Vec::new() }
    }

    /// The next epoch: these proxies, and new calls for these media nodes only; the others that have joined finish what they have.
    pub fn publish(&mut self, proxies: &[usize], nodes: &[usize], changed_at: u64) -> Arc<Membership> {
        let shards = u32::from(self.shape.shards);
        let proxy = |&index: &usize| member(index as u16 + 1, wire::Role::Proxy, address::inside(index), 0, 100);
        let media = |node: usize| {
            let weight = if nodes.contains(&node) { 100 } else { 0 };
            member(node_id(node), wire::Role::Media, address::node(node), shards, weight)
        };
        self.epoch += 1;
        self.joined = self.joined.max(nodes.iter().max().map_or(0, |last| last + 1));
        let media: Vec<wire::Member> = (0..self.joined).map(media).collect();
        let previous = std::mem::replace(&mut self.media, media.clone());
        let members = proxies.iter().map(proxy).chain(media).collect();
        Arc::new(Membership::from_wire(&wire::Membership { epoch: self.epoch, changed_at, members, previous }))
    }

    /// Every view there is, each once.
    pub fn views(&self) -> Vec<Arc<View>> {
        let first = self.shards.iter().filter(|member| member.id.shard == 0).map(|member| member.view.clone());
        self.proxies.iter().map(|proxy| proxy.view.clone()).chain(first).collect()
    }

    /// Every key of this generation; the one before still opens.
    pub fn rotate(&mut self, generation: u8) {
        for view in self.views() {
            let before = view.keys.load();
            let next = |ring: &KeyRing, purpose| ring.clone().rotated(key(generation, purpose));
            view.keys.store(Arc::new(Keys {
                nonce: next(&before.nonce, 1),
                flow: next(&before.flow, 2),
                contact: next(&before.contact, 3),
                branch: before.branch,
            }));
        }
    }
}

fn member(id: u16, role: wire::Role, inside: SocketAddr, shards: u32, weight: u32) -> wire::Member {
    wire::Member {
        id: id.into(),
        name: format!("member{id}"),
        role: role.into(),
        region: REGION.to_owned(),
        inside: inside.to_string(),
        shards,
        weight,
        ..wire::Member::default()
    }
}

fn key(generation: u8, purpose: u8) -> Key {
    Key::new(generation, &[generation << 3 | purpose; 32])
}

fn view() -> Arc<View> {
    let ring = |purpose| KeyRing::of(key(0, purpose));
    let keys = Keys { nonce: ring(1), flow: ring(2), contact: ring(3), branch: BranchKey::new(&[4; 32]) };
    let view = View::new(keys, gruu::Key::new(&[5; 32]));
    view.directory.store(directory());
    Arc::new(view)
}

/// The demo's directory with more users, and a domain whose media goes from phone to phone.
fn directory() -> Arc<Directory> {
    static DIRECTORY: OnceLock<Arc<Directory>> = OnceLock::new();
    let read = || {
        let file = |name: &str, text: &str| wire::SourceFile { name: name.to_owned(), text: text.to_owned() };
        let change = Directory::empty().apply(&[file("demo.toml", DEMO), file("more.toml", MORE)]);
        Arc::new(change.unwrap_or_else(|problems| panic!("{problems:?}")).directory)
    };
    DIRECTORY.get_or_init(read).clone()
}

const MORE: &str = r#"
[[domain]]
name = "direct.test"
media = "direct"
[[user]]
name = "carol"
domain = "tandem.local"
password = "carol-demo"
class = "internal"
ring = "10s"
[[user]]
name = "dave"
domain = "tandem.local"
password = "dave-demo"
class = "internal"
ring = "3m"
[[user]]
name = "ann"
domain = "direct.test"
password = "ann-demo"
class = "internal"
[[user]]
name = "ben"
domain = "direct.test"
password = "ben-demo"
class = "internal"
"#;
