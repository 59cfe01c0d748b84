//! Who is in the cluster: an immutable snapshot that answers which member owns what.

use crate::ring::{self, Place};
use crate::time::UnixMillis;
use crate::wire;
use sip::token::ShardId;
use std::net::SocketAddr;
use std::time::Duration;

pub use crate::wire::Role;

/// How long after a change an unknown request is offered to the owner of the epoch before (64 × T1, RFC 3261 §17).
pub const OVERLAP: Duration = Duration::from_secs(32);

/// One process of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// 1–65535, given at the first join and kept for the name.
    pub id: u16,
    /// Unique in the cluster.
    pub name: String,
    /// What it does; a process with all roles is three members.
    pub role: Role,
    /// The region it serves.
    pub region: String,
    /// Proxy: the cluster-side SIP face; media: shard 0's SIP; registry: gRPC.
    pub inside: SocketAddr,
    /// Media: shard k listens on the inside port + k.
    pub shards: u8,
    /// Media: share of new calls, 100 = normal, 0 = draining.
    pub weight: u32,
    /// The directory generation that it runs.
    pub generation: u64,
    /// Per mille.
    pub load: u32,
    /// The program's version.
    pub version: String,
    /// Unix seconds.
    pub joined_at: u64,
}

/// The members of one epoch, and the media shards of the epoch before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    epoch: u64,
    changed_at: UnixMillis,
    /// In the order of their ids.
    members: Vec<Member>,
    current: Vec<Shards>,
    previous: Vec<Shards>,
    registries: Vec<u16>,
    registry_places: Vec<Place>,
}

/// The media shards of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shards {
    region: String,
    ids: Vec<ShardId>,
    places: Vec<Place>,
}

impl Membership {
    /// Reads a snapshot; a member whose id, role or address makes no sense is left out, since nobody could reach it.
    pub fn from_wire(wire: &wire::Membership) -> Membership {
        let mut members: Vec<Member> = wire.members.iter().filter_map(Member::from_wire).collect();
        members.sort_by_key(|member| member.id);
        let previous: Vec<Member> = wire.previous.iter().filter_map(Member::from_wire).collect();
        let registries: Vec<&Member> = members.iter().filter(|member| member.role == Role::Registry).collect();
        Membership {
            epoch: wire.epoch,
            changed_at: UnixMillis(wire.changed_at),
            current: shards_by_region(&members),
            previous: shards_by_region(&previous),
            registry_places: registries.iter().map(|member| Place { id: u64::from(member.id), weight: 1 }).collect(),
            registries: registries.iter().map(|member| member.id).collect(),
            members,
        }
    }

    /// Counts the changes of membership; rings of equal epochs are equal.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// All members, by id.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The member with this id.
    pub fn member(&self, id: u16) -> Option<&Member> {
        self.members.binary_search_by_key(&id, |member| member.id).ok().map(|index| &self.members[index])
    }

    /// The live proxies of a region.
    pub fn proxies<'a>(&'a self, region: &'a str) -> impl Iterator<Item = &'a Member> {
        self.members.iter().filter(move |member| member.role == Role::Proxy && member.region == region)
    }

    /// The shard of the region that owns a new call with this Call-ID; `None` without a media node that takes calls.
    pub fn shard_for(&self, region: &str, call_id: &str) -> Option<ShardId> {
        shard_for(&self.current, region, call_id)
    }

    /// The owner by the epoch before; ask only [within the overlap](Membership::within_overlap).
    pub fn previous_shard_for(&self, region: &str, call_id: &str) -> Option<ShardId> {
        shard_for(&self.previous, region, call_id)
    }

    /// Where a live shard's SIP is reached (UDP and TCP).
    pub fn shard_address(&self, shard: ShardId) -> Option<SocketAddr> {
        let member = self.member(shard.node)?;
        if member.role != Role::Media || shard.shard >= member.shards {
            return None;
        }
        let port = member.inside.port().checked_add(u16::from(shard.shard))?;
        Some(SocketAddr::new(member.inside.ip(), port))
    }

    /// Whether a live proxy or shard has this cluster-side SIP address.
    pub fn has_address(&self, address: SocketAddr) -> bool {
        self.members.iter().any(|member| {
            let shard = u32::from(address.port()).checked_sub(member.inside.port().into());
            let shards = match member.role {
                Role::Proxy => 1,
                Role::Media => member.shards.into(),
                Role::Registry | Role::Unknown => 0,
            };
            member.inside.ip() == address.ip() && shard.is_some_and(|shard| shard < shards)
        })
    }

    /// Whether requests may still be under way to the owners of the epoch before.
    pub fn within_overlap(&self, now: UnixMillis) -> bool {
        !self.previous.is_empty() && now.since(self.changed_at) < OVERLAP
    }

    /// The live registries, the owner of this AOR's record first.
    pub fn registries_for(&self, aor: &str) -> Vec<&Member> {
        let order = ring::order(ring::hash(aor.as_bytes()), &self.registry_places);
        order.into_iter().filter_map(|index| self.member(self.registries[index])).collect()
    }

    /// The id of the registry that owns the record of the AOR with this [`ring::hash`].
    pub fn registry_of(&self, aor: u64) -> Option<u16> {
        ring::owner(aor, &self.registry_places).map(|index| self.registries[index])
    }
}

impl Member {
    fn from_wire(wire: &wire::Member) -> Option<Member> {
        Some(Member {
            id: u16::try_from(wire.id).ok().filter(|&id| id > 0)?,
            name: wire.name.clone(),
            role: Role::try_from(wire.role).ok().filter(|&role| role != Role::Unknown)?,
            region: wire.region.clone(),
            inside: wire.inside.parse().ok()?,
            shards: u8::try_from(wire.shards).ok()?,
            weight: wire.weight,
            generation: wire.generation,
            load: wire.load,
            version: wire.version.clone(),
            joined_at: wire.joined_at,
        })
    }
}

fn shards_by_region(members: &[Member]) -> Vec<Shards> {
    let mut regions: Vec<Shards> = Vec::new();
    for member in members.iter().filter(|member| member.role == Role::Media) {
        let index = regions.iter().position(|shards| shards.region == member.region).unwrap_or_else(|| {
            regions.push(Shards { region: member.region.clone(), ids: Vec::new(), places: Vec::new() });
            regions.len() - 1
        });
        for shard in 0..member.shards {
            let id = ShardId { node: member.id, shard };
            regions[index]
                .places
                .push(Place { id: u64::from(id.node) << 8 | u64::from(id.shard), weight: member.weight });
            regions[index].ids.push(id);
        }
    }
    regions
}

fn shard_for(regions: &[Shards], region: &str, call_id: &str) -> Option<ShardId> {
    let shards = regions.iter().find(|shards| shards.region == region)?;
    ring::owner(ring::hash(call_id.as_bytes()), &shards.places).map(|index| shards.ids[index])
}

#[cfg(test)]
mod tests;
