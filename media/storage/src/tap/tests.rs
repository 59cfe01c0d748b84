//! What comes out of a tap.

use super::{Block, Drain, Missed, Tap};
use crate::pile::Lost;
use recording::Rate;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn tap(blocks: usize) -> (Tap, Drain, Arc<Lost>) {
    let lost = Arc::new(Lost::default());
    let (tap, drain) = Tap::new(Rate::Narrow, blocks, lost.clone());
    (tap, drain, lost)
}

fn lengths(drain: &Drain) -> Vec<(Missed, usize)> {
    let told = |block: Block| {
        assert_eq!(block.left.len(), block.right.len());
        (block.missed, block.left.len())
    };
    drain.queue.try_iter().map(told).collect()
}

const NOTHING: Missed = Missed { queue_full: 0, paused: 0, lost: 0 };

#[test]
fn packets_become_blocks_of_a_tenth_of_a_second() {
    let (mut tap, drain, lost) = tap(10);
    (0..12).for_each(|_| tap.push(&[1; 160], &[2; 150]));
    assert_eq!(drain.queue.try_recv().unwrap().right[145..161], [[2; 5].as_slice(), &[0; 10], &[2]].concat());
    assert_eq!(lengths(&drain), [(NOTHING, 800)]);
    drop(tap);
    assert_eq!(lengths(&drain), [(NOTHING, 320)]);
    assert_eq!((drain.last.get(), lost.seconds()), (Some(&NOTHING), 0.0));
}

#[test]
fn with_nobody_at_the_other_end_it_does_not_wait_and_counts_every_sample() {
    let (mut tap, drain, lost) = tap(5);
    let start = Instant::now();
    (0..60 * 50).for_each(|_| tap.push(&[1; 160], &[1; 160]));
    tap.push(&[1; 7], &[1; 7]);
    drop(tap);
    assert!(start.elapsed() < Duration::from_secs(5), "a minute of sound took {:?}", start.elapsed());
    assert_eq!(lengths(&drain), [(NOTHING, 800); 5]);
    let missing = 60 * 8000 - 5 * 800 + 7;
    assert_eq!(drain.last.get(), Some(&Missed { queue_full: missing, ..NOTHING }));
    assert_eq!(lost.seconds(), missing as f64 / 8000.0);
}

#[test]
fn what_found_no_room_is_told_with_the_next_block_that_does() {
    let (mut tap, drain, _) = tap(1);
    tap.push(&[1; 800 * 3], &[1; 800 * 3]);
    assert_eq!(lengths(&drain), [(NOTHING, 800)]);
    tap.push(&[1; 800], &[1; 800]);
    assert_eq!(lengths(&drain), [(Missed { queue_full: 1600, ..NOTHING }, 800)]);
}

#[test]
fn a_pause_takes_its_time_and_no_sound() {
    let (mut tap, drain, lost) = tap(10);
    tap.push(&[1; 100], &[1; 100]);
    tap.pause();
    assert_eq!(lengths(&drain), [(NOTHING, 100)], "the sound before it does not wait");
    (0..60).for_each(|_| tap.push(&[1; 160], &[1; 160]));
    tap.gap(40);
    assert_eq!(lengths(&drain), [(Missed { paused: 8000, ..NOTHING }, 0)], "a long one is told while it lasts");
    tap.resume();
    tap.gap(5);
    tap.push(&[1; 800], &[1; 800]);
    assert_eq!(lengths(&drain), [(Missed { paused: 1640, lost: 5, queue_full: 0 }, 800)]);
    tap.pause();
    tap.push(&[1; 3], &[1; 4]);
    drop(tap);
    assert_eq!(drain.last.get(), Some(&Missed { paused: 4, ..NOTHING }));
    assert_eq!((lengths(&drain), lost.seconds()), (vec![], 0.0));
}

#[test]
fn blocks_come_back_to_be_used_again() {
    let (mut tap, drain, _) = tap(2);
    tap.push(&[1; 800], &[1; 800]);
    let mut block = drain.queue.try_recv().unwrap();
    let place = block.left.as_ptr();
    block.clear();
    drain.used.try_send(block).unwrap();
    tap.push(&[2; 1600], &[2; 1600]);
    let places: Vec<*const i16> = drain.queue.try_iter().map(|block| block.left.as_ptr()).collect();
    assert_eq!((places.len(), places[1]), (2, place));
}
