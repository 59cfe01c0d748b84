//! Which media shard owns a dialog.

use super::{KeyRing, Kind, Payload, Token, open, seal};
use std::fmt;
use std::str::FromStr;

/// One shard of one media node; `12.0` in Call-IDs and tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId {
    /// Member id of the node.
    pub node: u16,
    /// Which of the node's shards, from 0.
    pub shard: u8,
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, self.shard)
    }
}

impl ShardId {
    /// The host by which the shard's Via names it: no address, since phones see it, and members know where each shard is.
    pub fn host(&self) -> String {
        format!("{self}{SHARDS}")
    }

    /// The shard that a host names.
    pub fn of_host(host: &str) -> Option<ShardId> {
        host.strip_suffix(SHARDS)?.parse().ok()
    }
}

/// A domain that no resolver knows (RFC 6761).
const SHARDS: &str = ".tandem.invalid";

/// The text is no [`ShardId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a shard; one is written NODE.SHARD, 12.0 for example")]
pub struct ShardIdError;

impl FromStr for ShardId {
    type Err = ShardIdError;

    fn from_str(text: &str) -> Result<ShardId, ShardIdError> {
        let (node, shard) = text.split_once('.').ok_or(ShardIdError)?;
        let id =
            ShardId { node: node.parse().map_err(|_| ShardIdError)?, shard: shard.parse().map_err(|_| ShardIdError)? };
        // `+12.00` parses as well, but names are compared as text.
        if id.to_string() == text { Ok(id) } else { Err(ShardIdError) }
    }
}

/// User part of the Contact that a shard mints: a request within the dialog finds the shard by it, from any proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContactToken {
    /// The dialog's owner.
    pub shard: ShardId,
    /// The owner's name for the leg.
    pub leg: u64,
}

impl ContactToken {
    /// Seals the contact: 27 characters.
    pub fn seal(&self, ring: &KeyRing) -> Token {
        let mut payload = Payload::new();
        payload.push(self.shard.node.to_be_bytes());
        payload.push([self.shard.shard]);
        payload.push(self.leg.to_be_bytes());
        seal(ring, CONTACT, &payload, &[])
    }

    /// The contact of a token that [`ContactToken::seal`] made under a key of this ring.
    pub fn open(ring: &KeyRing, text: &str) -> Option<ContactToken> {
        let (_, payload) = open(ring, text, |number| (number == CONTACT.number).then_some(CONTACT), &[])?;
        let [shard] = payload.array(2);
        let shard = ShardId { node: u16::from_be_bytes(payload.array(0)), shard };
        Some(ContactToken { shard, leg: u64::from_be_bytes(payload.array(3)) })
    }
}

const CONTACT: Kind = Kind { number: 25, length: 11 };
