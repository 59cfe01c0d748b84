//! What proxies that remember nothing do with messages that belong together.

use crate::address::PUBLIC;
use crate::calls::{ALICE, BOB, any_call, mannered, registered};
use crate::cluster::Shape;
use crate::network::Network;
use crate::phone::{History, Standing};
use crate::seeds::for_seeds;
use crate::world::World;
use sip::headers::Via;
use sip::message::{Message, Method, Name};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

/// A request as the hop before the proxy sent it, and what it is about.
type Before = (String, String, u32);

/// The branches that proxies gave, and where to, by the sender's own Call-ID, branch and CSeq number.
fn forwarded(world: &World, is_meant: fn(Method) -> bool) -> BTreeMap<Before, BTreeSet<(String, SocketAddr)>> {
    let mut forwarded: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for sent in &world.trace.sent {
        let message = sent.message();
        if !message.is_request() || !is_meant(message.method()) {
            continue;
        }
        let Some(before) = message.values(Name::Via).nth(1).and_then(|via| Via::parse(via).ok()) else { continue };
        let key = (message.call_id().to_owned(), before.branch.unwrap_or_default().to_owned(), message.cseq());
        let own = (message.via().branch.unwrap_or_default().to_owned(), sent.to);
        forwarded.entry(key).or_default().insert(own);
    }
    forwarded
}

/// Some calls in bad weather, with two proxies that take turns at random.
fn some_calls(seed: u64) -> World {
    let mut world = registered(2 * seed);
    for phone in 0..4 {
        mannered(&mut world, phone);
    }
    for _ in 0..2 {
        any_call(&mut world);
    }
    world.finish();
    world
}

#[test]
fn a_retransmission_gets_the_same_branch_and_target() {
    for_seeds(100, |seed| {
        let world = some_calls(seed);
        for method in [Method::Invite, Method::Ack, Method::Bye, Method::Cancel] {
            let is_meant = match method {
                Method::Invite => |it| it == Method::Invite,
                Method::Ack => |it| it == Method::Ack,
                Method::Bye => |it| it == Method::Bye,
                _ => |it| it == Method::Cancel,
            };
            for (request, ways) in forwarded(&world, is_meant) {
                assert_eq!(ways.len(), 1, "{method} {request:?}: {ways:?}");
            }
        }
    });
}

#[test]
fn cancel_and_ack_follow_their_invite() {
    for_seeds(100, |seed| {
        let world = some_calls(seed + 1000);
        let invites = forwarded(&world, |method| method == Method::Invite);
        let all = forwarded(&world, |method| matches!(method, Method::Invite | Method::Ack | Method::Cancel));
        for (request, ways) in &all {
            // An INVITE that is answered by the proxy itself goes no further; its ACK must not either.
            assert_eq!(ways.len(), 1, "{request:?}: {ways:?}");
            if let Some(way) = invites.get(request) {
                assert_eq!(ways, way);
            }
        }
    });
}

#[test]
fn any_proxy_takes_any_message_of_a_call() {
    let kinds = std::cell::RefCell::new(BTreeMap::<String, BTreeSet<usize>>::new());
    for_seeds(100, |seed| {
        let shape = Shape { proxies: 3, nodes: 2, shards: 2 };
        let mut world = World::new(seed, shape, Network::GOOD);
        for user in ["alice", "bob"] {
            let phone = world.add_phone(user);
            world.with_phone(phone, |phone, now| phone.register(now));
        }
        world.run_for(Duration::from_secs(1));
        world.with_phone(ALICE, |phone, now| phone.call(now, "6002"));
        world.run_for(Duration::from_secs(5));
        for (phone, direction) in [(ALICE, "sendonly"), (ALICE, "sendrecv"), (BOB, "sendonly"), (BOB, "sendrecv")] {
            world.with_phone(phone, |phone, now| phone.offer(now, direction));
            world.run_for(Duration::from_secs(1));
            assert_eq!(world.phones[phone].history.last(), Some(&History::Offered(200)));
        }
        assert!(world.are_talking(ALICE, BOB), "media flows both ways");
        world.with_phone((seed % 2) as usize, |phone, now| phone.hang_up(now));
        world.run_for(Duration::from_secs(1));
        for phone in &world.phones {
            assert_eq!(phone.registration.standing, Standing::Registered);
            assert_eq!((phone.count(History::Answered), phone.count(History::Ended)), (1, 1));
        }
        world.finish();
        for (proxy, bytes) in &world.taken {
            let message = Message::parse(bytes).expect("it was taken");
            let kind = format!("{:?} {:?}", message.status(), message.method());
            kinds.borrow_mut().entry(kind).or_default().insert(*proxy);
        }
        assert!(world.trace.sent.iter().all(|sent| sent.to != PUBLIC || sent.copies == 1));
    });
    for (kind, proxies) in kinds.into_inner() {
        assert!(proxies.len() == 3 || std::env::var("SIM_SEED").is_ok(), "{kind} was taken by {proxies:?} only");
    }
}
