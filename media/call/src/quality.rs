//! How each side of a call sounds to the other.

use crate::call::Call;
use crate::media::{LegStats, Media};
use crate::output::{Ended, Side};
use proto::wire;
use rtp::quality::{Conditions, Rating};
use std::time::Duration;

/// What was heard of one side's speech from its begin to now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// What was counted.
    pub stats: LegStats,
    /// How it sounds where both sides' networks are what they are and every telephone is a good one; `None` before the first
    /// packet.
    ///
    /// Counted are the codec, the packets lost between this side and us, and the delay from mouth to ear: half the round trip
    /// of each side, as far as known, and a buffer for the jitter.
    pub rating: Option<Rating>,
}

impl Quality {
    /// Of what one side sent; `other` is the side that hears it.
    pub fn new(stats: &LegStats, other: Option<&LegStats>) -> Quality {
        let trips = [Some(stats), other].map(|side| side.and_then(|side| side.round_trip).unwrap_or_default());
        let rating = stats.codec.filter(|_| stats.expected > 0).map(|codec| {
            let delay = Conditions::delay(codec, (trips[0] + trips[1]) / 2, stats.jitter);
            Conditions { codec, loss: stats.loss(), delay }.rating()
        });
        Quality { stats: *stats, rating }
    }

    /// As `get calls --quality` shows it.
    pub fn to_wire(&self) -> wire::Quality {
        let micros = |time: Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let Quality { stats, rating } = self;
        let share = |parts: u8| u32::from(parts) * 1_000_000 / 256;
        let metrics = stats.metrics.as_ref();
        let told_mos = metrics.and_then(|metrics| metrics.mos_conversation.or(metrics.mos_listening));
        wire::Quality {
            packets: stats.received,
            lost: stats.lost,
            loss: (stats.loss() * 1e6) as u32,
            reordered: stats.reordered,
            gaps: stats.gaps,
            concealed: micros(stats.concealed),
            jitter: micros(stats.jitter),
            round_trip: stats.round_trip.map(micros),
            r: rating.map(|rating| (rating.r * 100.0).round() as u32),
            mos: rating.map(|rating| (rating.mos * 100.0).round() as u32),
            told_loss: stats.told.map(|told| share(told.fraction_lost)),
            told_r: metrics.and_then(|metrics| metrics.r).map(u32::from),
            told_mos: told_mos.map(|tenths| 10 * u32::from(tenths)),
        }
    }
}

impl LegStats {
    /// Share of the expected packets that never came, 0 to 1.
    pub fn loss(&self) -> f64 {
        if self.expected == 0 { 0.0 } else { self.lost as f64 / self.expected as f64 }
    }
}

impl Ended {
    /// How a side's speech sounded: the stream with most packets where there are several. `None`: it spoke nothing through us.
    pub fn quality(&self, side: Side) -> Option<Quality> {
        let other = match side {
            Side::Caller => Side::Callee,
            Side::Callee => Side::Caller,
        };
        Some(Quality::new(self.speech(side)?, self.speech(other)))
    }

    fn speech(&self, side: Side) -> Option<&LegStats> {
        most_heard(self.streams.iter().filter(|stream| stream.side == side).map(|stream| &stream.stats))
    }
}

impl Call {
    /// How the caller and the one who is called sound now.
    pub(crate) fn quality(&self, media: &dyn Media) -> [Option<Quality>; 2] {
        let caller = self.legs.first();
        let callee = caller.and_then(|caller| self.other(caller.id));
        let callee = self.legs.iter().find(|leg| Some(leg.id) == callee);
        let [caller, callee] = [caller, callee].map(|leg| {
            let stats: Vec<LegStats> = leg?.streams.stats(media).collect();
            most_heard(stats.iter()).copied()
        });
        let of = |one: Option<LegStats>, other: Option<LegStats>| Some(Quality::new(&one?, other.as_ref()));
        [of(caller, callee), of(callee, caller)]
    }
}

fn most_heard<'s>(streams: impl Iterator<Item = &'s LegStats>) -> Option<&'s LegStats> {
    streams.filter(|stats| stats.codec.is_some()).max_by_key(|stats| stats.received)
}

#[cfg(test)]
mod tests;
