//! The metrics of one shard: plain numbers in its thread, handed to the recorder once a second.

use crate::inside;
use crate::plane;
use call::{Ended, Side};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use storage::Recordings;

/// Handles of one shard's metrics.
pub struct Meters {
    calls: Gauge,
    /// Of the whole node.
    recordings: Option<RecordingMeters>,
    ended: [Counter; 5],
    refused: Counter,
    panics: Counter,
    answers_dropped: Counter,
    packets: Counter,
    forwarded: Counter,
    taken: Counter,
    laid: Counter,
    flows: Gauge,
    bytes: Counter,
    foreign: Counter,
    refused_packets: Counter,
    unsent: Counter,
    silent: Counter,
    exhausted: Counter,
    ports_used: Gauge,
    ports_free: Gauge,
    messages: [Counter; 3],
    /// Of caller and callee.
    mos: [Histogram; 2],
    round_trip: [Histogram; 2],
}

impl Meters {
    /// The metrics of the shard at `index`, on the recorder installed by now.
    pub fn new(index: usize, recordings: Option<Recordings>) -> Meters {
        let shard = index.to_string();
        let count = |name: &'static str| counter!(name, "shard" => shard.clone());
        let level = |name: &'static str| gauge!(name, "shard" => shard.clone());
        let ended = |outcome: &'static str| counter!("tandem_media_calls_total", "shard" => shard.clone(), "outcome" => outcome);
        let message =
            |way: &'static str| counter!("tandem_media_messages_total", "shard" => shard.clone(), "way" => way);
        Meters {
            calls: level("tandem_media_calls"),
            recordings: recordings.map(RecordingMeters::new),
            ended: OUTCOMES.map(ended),
            refused: count("tandem_media_calls_refused_total"),
            panics: count("tandem_media_panics_total"),
            answers_dropped: count("tandem_media_answers_dropped_total"),
            packets: count("tandem_media_packets_total"),
            forwarded: count("tandem_media_packets_forwarded_total"),
            taken: count("tandem_media_packets_taken_total"),
            laid: count("tandem_media_packets_laid_total"),
            flows: level("tandem_media_flows"),
            bytes: count("tandem_media_bytes_total"),
            foreign: count("tandem_media_packets_foreign_total"),
            refused_packets: count("tandem_media_packets_refused_total"),
            unsent: count("tandem_media_packets_unsent_total"),
            silent: count("tandem_media_legs_silent_total"),
            exhausted: count("tandem_media_ports_exhausted_total"),
            ports_used: level("tandem_media_port_pairs_used"),
            ports_free: level("tandem_media_port_pairs_free"),
            messages: ["received", "sent", "failed"].map(message),
            mos: ["caller", "callee"].map(|side| histogram!("tandem_media_mos", "side" => side)),
            round_trip: ["caller", "callee"].map(|side| histogram!("tandem_media_round_trip_seconds", "side" => side)),
        }
    }

    /// A call is over.
    pub fn ended(&self, ended: &Ended) {
        let outcome = match ended.status {
            200..300 => 0,
            486 | 600 => 1,
            487 => 2,
            0..500 => 3,
            500.. => 4,
        };
        self.ended[outcome].increment(1);
        for (index, side) in [Side::Caller, Side::Callee].into_iter().enumerate() {
            let Some(quality) = ended.quality(side) else { continue };
            if let Some(rating) = quality.rating {
                self.mos[index].record(rating.mos);
            }
            if let Some(round_trip) = quality.stats.round_trip {
                self.round_trip[index].record(round_trip);
            }
        }
    }

    /// A call was refused before it was one.
    pub fn refused(&self) {
        self.refused.increment(1);
    }

    /// A call was ended by a bug.
    pub fn panicked(&self) {
        self.panics.increment(1);
    }

    /// Everything that is counted elsewhere, as it stands now.
    pub fn publish(&self, calls: usize, answers_dropped: u64, media: &plane::Counts, sip: &inside::Counts) {
        self.calls.set(calls as f64);
        if let Some(recordings) = &self.recordings {
            recordings.publish();
        }
        self.answers_dropped.absolute(answers_dropped);
        self.packets.absolute(media.sent);
        self.forwarded.absolute(media.forwarded);
        self.taken.absolute(media.taken);
        self.laid.absolute(media.laid);
        self.flows.set(media.flows as f64);
        self.bytes.absolute(media.bytes);
        self.foreign.absolute(media.foreign);
        self.refused_packets.absolute(media.refused);
        self.unsent.absolute(media.unsent);
        self.silent.absolute(media.silent);
        self.exhausted.absolute(media.exhausted);
        self.ports_used.set(media.ports_used as f64);
        self.ports_free.set(media.ports_free as f64);
        for (counter, value) in self.messages.iter().zip([sip.received, sip.sent, sip.failed]) {
            counter.absolute(value);
        }
    }
}

/// What became of a call, by the status of its INVITE.
const OUTCOMES: [&str; 5] = ["answered", "busy", "cancelled", "unanswered", "failed"];

/// How recordings fare.
struct RecordingMeters {
    recordings: Recordings,
    running: Gauge,
    failing: Gauge,
    spooled_segments: Gauge,
    spooled_bytes: Gauge,
    stored_segments: Counter,
    lost_seconds: Gauge,
}

impl RecordingMeters {
    fn new(recordings: Recordings) -> RecordingMeters {
        RecordingMeters {
            recordings,
            running: gauge!("tandem_media_recordings"),
            failing: gauge!("tandem_media_recordings_failing"),
            spooled_segments: gauge!("tandem_media_recordings_spooled_segments"),
            spooled_bytes: gauge!("tandem_media_recordings_spooled_bytes"),
            stored_segments: counter!("tandem_media_recordings_stored_segments_total"),
            lost_seconds: gauge!("tandem_media_recordings_lost_seconds"),
        }
    }

    fn publish(&self) {
        let health = self.recordings.health();
        self.running.set(health.recordings as f64);
        self.failing.set(f64::from(u8::from(health.failing_since.is_some())));
        self.spooled_segments.set((health.spooled_segments + health.held_segments) as f64);
        self.spooled_bytes.set((health.spooled_bytes + health.held_bytes) as f64);
        self.stored_segments.absolute(health.stored_segments);
        self.lost_seconds.set(health.lost_seconds);
    }
}
