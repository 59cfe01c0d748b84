//! What a proxy or media node knows of the cluster, kept when every registry is gone.

use crate::directory::Directory;
use crate::gruu;
use crate::membership::Membership;
use arc_swap::ArcSwap;
use sip::token::{BranchKey, Key, KeyRing, Keys};
use std::sync::atomic::{AtomicU32, Ordering};

/// The last snapshots. Whoever joins the cluster fills it; workers load from it without waiting.
#[derive(Debug)]
pub struct View {
    /// Domains, users and numbers.
    pub directory: ArcSwap<Directory>,
    /// Who is in the cluster.
    pub membership: ArcSwap<Membership>,
    /// What tokens are sealed with.
    pub keys: ArcSwap<Keys>,
    /// What temporary GRUUs are sealed with.
    pub gruu: ArcSwap<gruu::Key>,
    /// This member's id; 0 until it has joined for the first time.
    pub own_id: AtomicU32,
}

impl View {
    /// A view with these keys and nobody in it.
    pub fn new(keys: Keys, gruu: gruu::Key) -> View {
        View {
            directory: ArcSwap::from_pointee(Directory::empty()),
            membership: ArcSwap::from_pointee(Membership::default()),
            keys: ArcSwap::from_pointee(keys),
            gruu: ArcSwap::from_pointee(gruu),
            own_id: AtomicU32::new(0),
        }
    }

    /// A view to be filled by [`client::join`](crate::client::join). Its keys open nothing of the cluster's: a role starts after the
    /// member has its id, which comes after the keys.
    pub fn unjoined() -> View {
        let ring = || KeyRing::of(Key::new(0, &[0; 32]));
        let keys = Keys { nonce: ring(), flow: ring(), contact: ring(), branch: BranchKey::new(&[0; 32]) };
        View::new(keys, gruu::Key::new(&[0; 32]))
    }

    /// This member's id; `None` until it has joined for the first time.
    pub fn id(&self) -> Option<u16> {
        u16::try_from(self.own_id.load(Ordering::Relaxed)).ok().filter(|&id| id > 0)
    }
}
