//! The reports of RTCP on pairs whose sound we make ourselves; between two phones whose packets pass, theirs pass too.

use super::pair::{Pair, Partner};
use super::{Plane, pair_at};
use crate::token::Component;
use call::Quality;
use rtp::Datagram;
use rtp::rtcp::{Moment, VoipMetrics};
use std::time::Duration;

impl Plane {
    /// Sends all reports that are due.
    pub(super) fn report(&mut self) {
        let (now, ntp) = (self.micros(), self.ntp());
        let mut out = Vec::new();
        for index in 0..self.slots.len() as u32 {
            let random = self.draw() as u32;
            let Some(pair) = pair_at(&mut self.slots, index) else { continue };
            let makes_sound = matches!(pair.partner, Partner::Talk(_, _) | Partner::Exchange | Partner::Room(_));
            if !makes_sound || pair.talk.as_ref().is_none_or(|talk| !talk.reporter.is_due(now)) {
                continue;
            }
            let (metrics, cname) = (pair.metrics(), pair.cname());
            let Some(mut talk) = pair.talk.take() else { continue };
            let timestamp = talk.mouth.sequencer().timestamp();
            let moment = Moment { now, ntp, timestamp, reception: pair.reception(), metrics, random };
            out.clear();
            talk.reporter.report(moment, &cname, &mut out);
            pair.talk = Some(talk);
            let length = out.len();
            self.buffer[..length].copy_from_slice(&out);
            pair.forward_report(now, &out);
            self.send(index, Component::Rtcp, Datagram::Rtcp, length);
        }
    }

    /// The time of day, since 1970.
    pub(super) fn wall(&self) -> Duration {
        self.now.saturating_duration_since(self.began) + self.began_at
    }

    /// The time of day as reports have it: seconds since 1900 in 32.32 bits.
    fn ntp(&self) -> u64 {
        let since = self.wall();
        let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
        (since.as_secs().wrapping_add(NTP_EPOCH) << 32) | fraction
    }
}

impl Pair {
    /// How the phone sounds here.
    fn metrics(&self) -> Option<VoipMetrics> {
        let Quality { stats, rating } = Quality::new(&self.statistics(), None);
        let rating = rating?;
        let mos = (rating.mos * 10.0).round() as u8;
        Some(VoipMetrics {
            ssrc: rtp::Ssrc::default(),
            loss_rate: (stats.loss() * 256.0).min(255.0) as u8,
            discard_rate: 0,
            round_trip: stats.round_trip,
            r: Some(rating.r.clamp(0.0, 100.0).round() as u8),
            mos_listening: Some(mos),
            mos_conversation: Some(mos),
        })
    }
}

/// Seconds from 1900 to 1970.
const NTP_EPOCH: u64 = 2_208_988_800;
