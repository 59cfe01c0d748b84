//! How calls sound, while they are up and at their end.

use crate::world::{World, s};
use call::Side;
use proto::wire::CallReport;

fn mos(report: &CallReport) -> [Option<u32>; 2] {
    [&report.caller_quality, &report.callee_quality].map(|quality| quality.as_ref()?.mos)
}

#[test]
fn answered_calls_report_by_turns_how_both_sides_sound() {
    let mut world = World::new(1);
    let phones: Vec<usize> = (0..6).map(|index| world.add_phone(&format!("u{index}"))).collect();
    world.phones[phones[5]].manners.answer = None;
    for pair in phones.chunks(2) {
        let callee = format!("u{}", pair[1]);
        world.call(pair[0], &callee);
    }
    world.run_for(s(3));
    let before = world.reports.len();
    for _ in 0..3 {
        world.report_quality(2);
    }
    let told: Vec<&CallReport> = world.reports[before..].iter().collect();
    let callers: std::collections::BTreeSet<&str> = told.iter().map(|report| &*report.caller).collect();
    assert_eq!(callers.len(), 2, "both that are answered, not the one that rings: {told:?}");
    for report in told {
        assert_eq!((&*report.state, mos(report)), ("answered", [Some(441); 2]));
    }
    world.hang_up(phones[0]);
    world.hang_up(phones[2]);
    world.with_phone(phones[4], |phone, now| phone.cancel(now));
    world.finish();
}

#[test]
fn the_end_says_how_both_sides_sounded() {
    let mut world = World::new(2);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(2));
    world.hang_up(bob);
    let world = world.finish();
    let [call::Event::Ended(ended)] = &world.events[..] else { panic!("{:?}", world.events) };
    for side in [Side::Caller, Side::Callee] {
        let rating = ended.quality(side).and_then(|quality| quality.rating).unwrap();
        assert!((rating.mos - 4.41).abs() < 0.01, "{side:?}: {rating:?}");
    }
    let last = world.reports.last().unwrap();
    assert_eq!((&*last.state, mos(last)), ("ended", [None; 2]));
}
