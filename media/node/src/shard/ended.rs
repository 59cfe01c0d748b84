//! What is left of a call that is over: a line in the log, and its trace.

use call::{Ended, LegStats, Side};
use tracing::Span;

/// One line a call, with what its media saw on both sides; and how they sounded, on the call's span.
pub fn tell(span: &Span, ended: &Ended) {
    let (caller, callee) = (Heard::of(ended, Side::Caller), Heard::of(ended, Side::Callee));
    if !span.is_disabled() {
        for (key, value) in
            [("caller.mos", caller.mos), ("caller.r", caller.r), ("callee.mos", callee.mos), ("callee.r", callee.r)]
        {
            value.into_iter().for_each(|value| trace::mark(span, key, value));
        }
    }
    span.in_scope(|| log(ended, &caller, &callee));
}

/// What was heard of one side, in the units of the log.
struct Heard {
    /// Of all its streams together.
    stats: LegStats,
    /// Of its speech, as all that follows.
    mos: Option<f64>,
    r: Option<f64>,
    rtt_ms: Option<f64>,
    /// What it said itself of what it heard.
    told_lost: Option<i32>,
    told_mos: Option<f64>,
    told_r: Option<u8>,
}

impl Heard {
    fn of(ended: &Ended, side: Side) -> Heard {
        let streams = ended.streams.iter().filter(|stream| stream.side == side).map(|stream| &stream.stats);
        let quality = ended.quality(side);
        let rating = quality.and_then(|quality| quality.rating);
        let speech = quality.map(|quality| quality.stats).unwrap_or_default();
        let metrics = speech.metrics;
        let told_mos = metrics.and_then(|metrics| metrics.mos_conversation.or(metrics.mos_listening));
        Heard {
            stats: streams.fold(LegStats::default(), sum),
            mos: rating.map(|rating| rounded(rating.mos)),
            r: rating.map(|rating| rounded(rating.r)),
            rtt_ms: speech.round_trip.map(|round_trip| rounded(round_trip.as_secs_f64() * 1e3)),
            told_lost: speech.told.map(|told| told.lost),
            told_mos: told_mos.map(|tenths| f64::from(tenths) / 10.0),
            told_r: metrics.and_then(|metrics| metrics.r),
        }
    }
}

/// The counts of two streams; what cannot be added up stays the first one's.
fn sum(one: LegStats, other: &LegStats) -> LegStats {
    LegStats {
        received: one.received + other.received,
        bytes: one.bytes + other.bytes,
        sent: one.sent + other.sent,
        expected: one.expected + other.expected,
        lost: one.lost + other.lost,
        reordered: one.reordered + other.reordered,
        duplicates: one.duplicates + other.duplicates,
        gaps: one.gaps + other.gaps,
        concealed: one.concealed + other.concealed,
        foreign: one.foreign + other.foreign,
        refused: one.refused + other.refused,
        jitter: one.jitter.max(other.jitter),
        ..one
    }
}

/// To two places.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn log(ended: &Ended, caller: &Heard, callee: &Heard) {
    tracing::info!(
        call_id = ended.call_id,
        caller = ended.caller,
        target = ended.target,
        status = ended.status,
        why = ended.why,
        ringing_ms = ended.ringing.as_millis() as u64,
        talking_ms = ended.talking.unwrap_or_default().as_millis() as u64,
        caller.packets = caller.stats.received,
        caller.lost = caller.stats.lost,
        caller.reordered = caller.stats.reordered,
        caller.jitter_us = caller.stats.jitter.as_micros() as u64,
        caller.gaps = caller.stats.gaps,
        caller.concealed_ms = caller.stats.concealed.as_millis() as u64,
        caller.foreign = caller.stats.foreign,
        caller.refused = caller.stats.refused,
        caller.mos = caller.mos,
        caller.r = caller.r,
        caller.rtt_ms = caller.rtt_ms,
        caller.told_lost = caller.told_lost,
        caller.told_mos = caller.told_mos,
        caller.told_r = caller.told_r,
        callee.packets = callee.stats.received,
        callee.lost = callee.stats.lost,
        callee.reordered = callee.stats.reordered,
        callee.jitter_us = callee.stats.jitter.as_micros() as u64,
        callee.gaps = callee.stats.gaps,
        callee.concealed_ms = callee.stats.concealed.as_millis() as u64,
        callee.foreign = callee.stats.foreign,
        callee.refused = callee.stats.refused,
        callee.mos = callee.mos,
        callee.r = callee.r,
        callee.rtt_ms = callee.rtt_ms,
        callee.told_lost = callee.told_lost,
        callee.told_mos = callee.told_mos,
        callee.told_r = callee.told_r,
        "call ended"
    );
}
