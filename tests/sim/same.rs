//! That the single process and the cluster are one and the same to phones, and a run the same as its repetition.

use crate::calls::{any_call, mannered, registered};
use crate::cluster::{CLUSTERED, SINGLE, Shape};
use crate::network::{Network, between};
use crate::phone::Does;
use crate::seeds::for_seeds;
use crate::world::World;
use sip::message::{Message, Name};
use std::collections::BTreeMap;
use std::time::Duration;

/// Puts numbers in place of what is opaque: branches, tags, tokens, nonces, the exchange's Call-IDs, ports and dates.
#[derive(Default)]
pub struct Opaque {
    known: BTreeMap<String, usize>,
}

impl Opaque {
    /// A message as a phone sees it, with each opaque value as a number by its first appearance.
    pub fn hide(&mut self, bytes: &[u8]) -> String {
        let message = Message::parse(bytes).expect("phones hear messages");
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        let mut found = vec![message.call_id().to_owned()];
        found.extend([message.from_tag(), message.to_tag()].into_iter().flatten().map(str::to_owned));
        // Numbers that are chosen by chance and may happen to be equal; flows and shards, since a phone has one with each.
        let shards = values(&text, "UDP ", ".-:").filter(|host| host.contains(".tandem.invalid"));
        for shard in shards.map(str::to_owned).collect::<Vec<_>>() {
            text = text.replace(&shard, "shard");
        }
        let chances = [("m=audio ", ""), ("expires=", ""), ("inline:", "+/="), (";f=", "-_"), ("Route: <sip:", "-_")];
        for (mark, more) in chances {
            for value in values(&text, mark, more).map(str::to_owned).collect::<Vec<_>>() {
                text = text.replace(&format!("{mark}{value}"), mark);
            }
        }
        // Names are shorter than tokens, and versions are one digit.
        for (mark, least) in [("branch=", 3), ("nonce=\"", 3), ("sip:", 20), ("o=- ", 3)] {
            found.extend(values(&text, mark, "-_").filter(|value| value.len() >= least).map(str::to_owned));
        }
        found.extend(message.header(Name::Date).map(str::to_owned));
        for value in found {
            let count = self.known.len();
            let number = *self.known.entry(value.clone()).or_insert(count);
            text = text.replace(&value, &format!("<{number}>"));
        }
        // Lengths depend on what was hidden.
        text.lines().filter(|line| !line.starts_with("Content-Length")).collect::<Vec<_>>().join("\n")
    }
}

/// What follows each mark, as far as it consists of letters, digits and `more`.
fn values<'t>(text: &'t str, mark: &'t str, more: &'t str) -> impl Iterator<Item = &'t str> {
    let ends = |c: char| !(c.is_ascii_alphanumeric() || more.contains(c));
    text.split(mark).skip(1).map(move |rest| rest.split(ends).next().unwrap_or_default())
}

/// What each phone hears while this happens.
fn heard(seed: u64, shape: Shape) -> Vec<Vec<String>> {
    let mut world = World::new(seed, shape, Network::GOOD);
    for user in ["alice", "bob", "carol"] {
        let phone = world.add_phone(user);
        world.with_phone(phone, |phone, now| phone.register(now));
        world.run_for(Duration::from_secs(1));
    }
    // Not from the world, which draws as often as it has messages.
    let mut random = sip::random::Random::new(!seed);
    for _ in 0..4 {
        for phone in &mut world.phones {
            phone.manners.then = Duration::from_millis(between(&mut random, 500, 3000));
            phone.manners.does =
                [Does::Answer, Does::Answer, Does::Refuse(486), Does::Nothing][random.number() as usize % 4];
        }
        let caller = random.number() as usize % 3;
        let number = ["6001", "bob", "carol", "9999", "7777", "6002"][random.number() as usize % 6];
        let patience = between(&mut random, 4000, 12_000);
        let other = random.number() as usize % 3;
        world.with_phone(caller, |phone, now| phone.call(now, number));
        world.run_for(Duration::from_millis(patience));
        world.with_phone(other, |phone, now| phone.offer(now, "sendonly"));
        world.run_for(Duration::from_secs(5));
        for phone in [other, caller] {
            world.with_phone(phone, |phone, now| phone.hang_up(now));
            world.run_for(Duration::from_secs(60));
        }
    }
    world.finish();
    let hide = |heard: &Vec<Vec<u8>>| {
        let mut opaque = Opaque::default();
        heard.iter().map(|bytes| opaque.hide(bytes)).collect()
    };
    world.phones.iter().map(|phone| hide(&phone.heard)).collect()
}

#[test]
fn the_single_process_and_the_cluster_show_the_same_trace() {
    for_seeds(100, |seed| {
        let (single, cluster) = (heard(seed, SINGLE), heard(seed, CLUSTERED));
        for (phone, (one, other)) in single.iter().zip(&cluster).enumerate() {
            for (here, there) in one.iter().zip(other) {
                assert_eq!(here, there, "phone {phone}");
            }
            assert_eq!(one.len(), other.len(), "phone {phone}");
        }
    });
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for_seeds(20, |seed| {
        let run = || {
            let mut world = registered(seed);
            (0..4).for_each(|phone| mannered(&mut world, phone));
            (0..3).for_each(|_| any_call(&mut world));
            world.finish();
            (world.trace.hash(), world.trace.sent.len())
        };
        let first = run();
        assert!(first.1 > 0);
        assert_eq!(run(), first, "SIM_SEED={seed}");
    });
}
