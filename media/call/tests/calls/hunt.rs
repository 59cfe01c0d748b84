//! Who rings, in which order, and what the caller hears when nobody answers.

use crate::phone::Ring;
use crate::world::{World, ms, s};
use sip::message::{Method, Name};

#[test]
fn all_phones_of_a_user_ring_and_the_first_to_answer_wins() {
    let mut world = World::new(1);
    let (alice, desk, mobile) = (world.add_phone("alice"), world.add_phone("bob"), world.add_phone("bob"));
    world.phones[mobile].manners.answer = Some((ms(300), 200));
    world.call(alice, "bob");
    world.run_for(s(3));
    assert!(world.is_talking(alice, mobile));
    assert_eq!((world.phones[desk].calls, world.phones[mobile].calls), (1, 1));
    assert_eq!(world.phones[alice].statuses(), [180, 200], "a second phone that rings is no news");
    world.hang_up(alice);
    let world = world.finish();
    assert!(world.phones[desk].requests(Method::Bye).is_empty());
    assert_eq!(world.phones[desk].cancelled, [Some(r#"SIP;cause=200;text="Call completed elsewhere""#.to_owned())]);
}

#[test]
fn two_answers_at_once_leave_one_call() {
    for seed in 0..30 {
        let mut world = World::new(seed);
        let (alice, one, two) = (world.add_phone("alice"), world.add_phone("bob"), world.add_phone("bob"));
        world.phones[one].manners.answer = Some((ms(300), 200));
        world.phones[two].manners.answer = Some((ms(295 + seed % 12), 200));
        world.call(alice, "bob");
        world.run_for(s(3));
        let talking = [one, two].into_iter().filter(|&phone| world.is_talking(alice, phone)).count();
        assert_eq!(talking, 1, "seed {seed}");
        assert_eq!([one, two].into_iter().filter(|&phone| world.phones[phone].dialog.is_some()).count(), 1);
        world.hang_up(alice);
        world.finish();
    }
}

#[test]
fn phones_of_higher_q_ring_first() {
    let mut world = World::new(3);
    let alice = world.add_phone("alice");
    let desk = world.add_phone_with("bob", |binding| binding.q = 900);
    let mobile = world.add_phone_with("bob", |binding| binding.q = 500);
    world.phones[desk].manners.answer = Some((s(1), 486));
    world.call(alice, "bob");
    world.run_for(ms(900));
    assert_eq!((world.phones[desk].calls, world.phones[mobile].calls), (1, 0));
    world.run_for(s(3));
    assert!(world.is_talking(alice, mobile));
    world.hang_up(mobile);
    world.finish();
}

#[test]
fn a_phone_that_does_not_answer_gives_way_to_the_next_group_and_then_to_480() {
    let mut world = World::new(4);
    let alice = world.add_phone("alice");
    let desk = world.add_phone_with("bob", |binding| binding.q = 900);
    let mobile = world.add_phone_with("bob", |binding| binding.q = 500);
    world.phones[desk].manners.answer = None;
    world.phones[mobile].manners.answer = None;
    world.call(alice, "bob");
    world.run_for(s(19));
    assert_eq!((world.phones[desk].calls, world.phones[mobile].calls), (1, 0));
    world.run_for(s(2));
    assert_eq!((world.phones[desk].calls, world.phones[mobile].calls), (1, 1));
    let world = world.finish();
    assert_eq!(world.phones[alice].statuses().last(), Some(&480));
    let heard = world.phones[alice].heard.last().unwrap();
    assert_eq!(heard.message().header(Name::Reason), Some(r#"Q.850;cause=19;text="No answer""#));
}

#[test]
fn the_flows_of_one_phone_are_tried_one_after_the_other() {
    let mut world = World::new(5);
    let alice = world.add_phone("alice");
    let phone = |binding: &mut proto::wire::Binding| binding.instance = "urn:uuid:1".to_owned();
    let (one, two) = (world.add_phone_with("bob", phone), world.add_phone_with("bob", phone));
    world.phones[one].manners.ring = Vec::new();
    world.phones[one].manners.answer = Some((ms(20), 430));
    world.call(alice, "bob");
    world.run_for(s(3));
    assert_eq!((world.phones[one].calls, world.phones[two].calls), (1, 1));
    assert!(world.is_talking(alice, two));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_busy_phone_is_not_called_again_over_another_flow() {
    let mut world = World::new(6);
    let alice = world.add_phone("alice");
    let phone = |binding: &mut proto::wire::Binding| binding.instance = "urn:uuid:1".to_owned();
    let (one, two) = (world.add_phone_with("bob", phone), world.add_phone_with("bob", phone));
    world.phones[one].manners.answer = Some((ms(20), 486));
    world.call(alice, "bob");
    let world = world.finish();
    assert_eq!((world.phones[one].calls, world.phones[two].calls), (1, 0));
    assert_eq!(world.phones[alice].statuses().last(), Some(&486));
}

#[test]
fn one_phone_that_declines_for_all_ends_the_call() {
    let mut world = World::new(7);
    let (alice, one, two) = (world.add_phone("alice"), world.add_phone("bob"), world.add_phone("bob"));
    world.phones[one].manners.answer = Some((s(1), 603));
    world.phones[two].manners.answer = None;
    world.call(alice, "bob");
    world.run_for(s(2));
    assert_eq!(world.phones[alice].statuses(), [180, 603]);
    world.finish();
}

#[test]
fn the_best_failure_is_heard() {
    for (statuses, heard) in
        [([486, 480], 486), ([404, 486], 486), ([407, 480], 480), ([488, 486], 488), ([503, 503], 500)]
    {
        let mut world = World::new(8);
        let (alice, one, two) = (world.add_phone("alice"), world.add_phone("bob"), world.add_phone("bob"));
        world.phones[one].manners.answer = Some((ms(100), statuses[0]));
        world.phones[two].manners.answer = Some((ms(200), statuses[1]));
        world.call(alice, "bob");
        let world = world.finish();
        assert_eq!(world.phones[alice].statuses().last(), Some(&heard), "{statuses:?}");
    }
}

#[test]
fn nobody_there_is_480_and_nobody_of_that_name_404() {
    let mut world = World::new(9);
    let alice = world.add_phone("alice");
    world.call(alice, "bob");
    world.run_for(s(1));
    assert_eq!(world.phones[alice].statuses(), [480]);
    world.call(alice, "nobody");
    world.run_for(s(1));
    assert_eq!(world.phones[alice].statuses(), [480, 404]);
    world.finish();
}

#[test]
fn a_phone_without_a_sound_is_given_up_after_the_ring_time() {
    let mut world = World::new(10);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[bob].manners.dead = true;
    world.call(alice, "bob");
    world.run_for(s(21));
    assert_eq!(world.phones[alice].statuses(), [100, 480]);
    world.finish();
}

#[test]
fn a_flow_that_stays_silent_gives_way_to_the_phones_next_one_while_it_may_still_ring() {
    let mut world = World::new(11);
    let alice = world.add_phone("alice");
    let phone = |binding: &mut proto::wire::Binding| binding.instance = "urn:uuid:1".to_owned();
    let (one, two) = (world.add_phone_with("bob", phone), world.add_phone_with("bob", phone));
    world.phones[one].manners.dead = true;
    world.call(alice, "bob");
    world.run_for(s(15));
    assert!(world.is_talking(alice, two));
    world.hang_up(alice);
    world.phones[one].manners.dead = false;
    world.finish();
}

#[test]
fn early_media_of_one_phone_and_the_answer_of_another_are_two_dialogs_for_the_caller() {
    let mut world = World::new(12);
    let (alice, one, two) = (world.add_phone("alice"), world.add_phone("bob"), world.add_phone("bob"));
    world.phones[one].manners.ring = vec![(ms(50), 183, Ring::Early)];
    world.phones[one].manners.answer = None;
    world.phones[two].manners.ring = vec![(ms(100), 183, Ring::Early)];
    world.phones[two].manners.answer = Some((s(1), 200));
    world.call(alice, "bob");
    world.run_for(ms(500));
    let media = |phone: usize, world: &World| world.phones[phone].media;
    assert!(world.shards[0].media.is_joined(media(alice, &world), media(one, &world)), "the first one is heard");
    world.run_for(s(2));
    assert!(world.is_talking(alice, two));
    let tags: Vec<_> =
        world.phones[alice].heard.iter().map(|heard| heard.message().to_tag().map(str::to_owned)).collect();
    assert_ne!(tags.first(), tags.last(), "one tag stands for one answer");
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_phone_whose_early_description_was_not_heard_need_not_say_it_again() {
    let mut world = World::new(20);
    let (alice, one, two) = (world.add_phone("alice"), world.add_phone("bob"), world.add_phone("bob"));
    world.phones[one].manners.ring = vec![(ms(50), 183, Ring::ReliableEarly)];
    world.phones[one].manners.answer = None;
    world.phones[two].manners.ring = vec![(ms(100), 183, Ring::ReliableEarly)];
    world.phones[two].manners.answer = Some((s(1), 200));
    world.call(alice, "bob");
    world.run_for(s(2));
    assert!(world.is_talking(alice, two));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_phones_redirect_is_followed_to_users_of_the_exchange() {
    let mut world = World::new(13);
    let (alice, bob, carol) = (world.add_phone("alice"), world.add_phone("bob"), world.add_phone("carol"));
    world.phones[bob].manners.answer = Some((ms(100), 302));
    world.phones[bob].manners.answer_headers = vec![(Name::Contact, "<sip:carol@alias.local>".to_owned())];
    world.call(alice, "bob");
    world.run_for(s(3));
    assert!(world.is_talking(alice, carol));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_redirect_out_of_the_exchange_or_in_a_circle_is_not_followed() {
    for contact in [
        "<sip:carol@elsewhere.example>",
        "<tel:+33140000000>",
        "<sip:bob@tandem.local>",
        "*",
        "<sip:9999@tandem.local>",
    ] {
        let mut world = World::new(14);
        let (alice, bob, carol) = (world.add_phone("alice"), world.add_phone("bob"), world.add_phone("carol"));
        world.phones[bob].manners.answer = Some((ms(100), 302));
        world.phones[bob].manners.answer_headers = vec![(Name::Contact, contact.to_owned())];
        world.call(alice, "bob");
        let world = world.finish();
        assert_eq!(world.phones[carol].calls, 0);
        assert_eq!(world.phones[alice].statuses(), [180, 480], "{contact}");
    }
}

#[test]
fn calls_that_a_user_does_not_take_are_forwarded() {
    for (status, key) in [(Some(486), "busy"), (None, "no_answer"), (Some(480), "offline")] {
        let mut world = World::new(15);
        world.add_user("dave", &format!("ring = \"5s\"\nforward = {{ {key} = \"user:carol\" }}"));
        let (alice, carol) = (world.add_phone("alice"), world.add_phone("carol"));
        if key != "offline" {
            let dave = world.add_phone("dave");
            world.phones[dave].manners.answer = status.map(|status| (ms(100), status));
        }
        world.call(alice, "dave");
        world.run_for(s(8));
        assert!(world.is_talking(alice, carol), "{key}");
        world.hang_up(carol);
        world.finish();
    }
}

#[test]
fn a_forward_to_what_the_exchange_does_not_have_changes_nothing() {
    let mut world = World::new(16);
    world.add_user("dave", "voicemail = { pin = \"1234\" }\nforward = { busy = \"voicemail\" }");
    let (alice, dave) = (world.add_phone("alice"), world.add_phone("dave"));
    world.phones[dave].manners.answer = Some((ms(100), 486));
    world.call(alice, "dave");
    let world = world.finish();
    assert_eq!(world.phones[alice].statuses(), [180, 486]);
}

#[test]
fn a_phone_that_wants_longer_sessions_is_invited_again() {
    let mut world = World::new(17);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[bob].manners.ring = Vec::new();
    world.phones[bob].manners.answer = Some((ms(20), 422));
    world.phones[bob].manners.answer_headers = vec![(Name::MinSe, "3600".to_owned())];
    world.call(alice, "bob");
    world.run_for(ms(38));
    world.phones[bob].manners.answer = Some((ms(200), 200));
    world.phones[bob].manners.answer_headers = Vec::new();
    world.run_for(s(2));
    let invites = world.phones[bob].requests(Method::Invite);
    assert_eq!(invites.len(), 2);
    assert_eq!((invites[1].cseq(), invites[1].header(Name::SessionExpires)), (2, Some("3600")));
    assert_eq!(invites[0].call_id(), invites[1].call_id());
    assert!(world.is_talking(alice, bob));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn no_more_phones_ring_than_the_limit_says() {
    let mut world = World::with(18, |settings| settings.limits.forks = 2);
    let alice = world.add_phone("alice");
    let phones: Vec<usize> = (0..4).map(|_| world.add_phone("bob")).collect();
    world.call(alice, "bob");
    world.run_for(s(3));
    assert_eq!(phones.iter().map(|&phone| world.phones[phone].calls).sum::<u32>(), 2);
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_gruu_rings_its_own_phone_only() {
    let mut world = World::new(19);
    let alice = world.add_phone("alice");
    let one = world.add_phone_with("bob", |binding| binding.instance = "urn:uuid:1".to_owned());
    let two = world.add_phone_with("bob", |binding| binding.instance = "urn:uuid:2".to_owned());
    world.call_target(alice, "user:bob@tandem.local;instance=urn:uuid:2", crate::phone::Sdp::Offer);
    world.run_for(s(3));
    assert_eq!((world.phones[one].calls, world.phones[two].calls), (0, 1));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn whom_a_phone_names_rings_beside_the_other_phones() {
    let mut world = World::new(21);
    let (alice, one, two, carol) =
        (world.add_phone("alice"), world.add_phone("bob"), world.add_phone("bob"), world.add_phone("carol"));
    world.phones[one].manners.answer = Some((ms(100), 302));
    world.phones[one].manners.answer_headers = vec![(Name::Contact, "<sip:carol@tandem.local>".to_owned())];
    world.phones[two].manners.answer = None;
    world.call(alice, "bob");
    world.run_for(s(3));
    assert!(world.is_talking(alice, carol));
    world.hang_up(alice);
    let world = world.finish();
    assert_eq!(world.phones[two].cancelled.len(), 1);
}

#[test]
fn a_forward_to_a_user_who_is_not_there_goes_on_by_that_users_own_rule() {
    let mut world = World::new(22);
    world.add_user("erin", "forward = { offline = \"user:carol\", no_answer = \"echo\" }");
    world.add_user("dave", "ring = \"2s\"\nforward = { no_answer = \"user:erin\" }");
    let (alice, dave, carol) = (world.add_phone("alice"), world.add_phone("dave"), world.add_phone("carol"));
    world.phones[dave].manners.answer = None;
    world.call(alice, "dave");
    world.run_for(s(5));
    assert!(world.is_talking(alice, carol));
    world.hang_up(alice);
    world.finish();
}
