//! What a phone is told, as packets.

use crate::keys::{Keys, Telling};
use audio::Resampler;
use codec::{Encoder, Format, Library};
use rtp::{EventPacket, HEADER_LEN, Header, Sequencer};
use std::time::Duration;

/// Says one stream: codes the blocks that it is given and makes packets of the length that the phone wants, numbered without a
/// break whatever feeds it.
pub struct Mouth {
    sequencer: Sequencer,
    speech: Option<Speech>,
}

/// How the sound is coded.
struct Speech {
    format: Format,
    /// Samples a second of the blocks.
    rate: u32,
    encoder: Encoder,
    /// Where the encoder takes another rate.
    resampler: Option<Resampler>,
    /// At the encoder's rate, until a packet is full.
    pending: Vec<i16>,
    /// Milliseconds of sound in a packet.
    packet_time: u16,
    /// The last packet was left out: the next one begins a talkspurt (RFC 3551 §4.1).
    pauses: bool,
    telling: Telling,
    keys: Keys,
}

impl Mouth {
    /// A stream of these numbers.
    pub fn new(sequencer: Sequencer) -> Mouth {
        Mouth { sequencer, speech: None }
    }

    /// What is said from now on: blocks of `rate` samples a second, in this format, in packets of so many milliseconds
    /// ([`codec::Codec::packet_time`]). `false`: there is no encoder for it, and nothing will be said.
    pub fn speak(&mut self, format: &Format, packet_time: u16, telling: Telling, rate: u32, library: &Library) -> bool {
        let is_same = |speech: &Speech| {
            (speech.format, speech.packet_time, speech.telling, speech.rate) == (*format, packet_time, telling, rate)
        };
        if !self.speech.as_ref().is_some_and(is_same) {
            self.speech = Encoder::new(format, rate, library).map(|encoder| {
                let resampler = (encoder.rate() != rate).then(|| Resampler::live(rate, encoder.rate()));
                let pending = Vec::with_capacity(encoder.rate() as usize / 1000 * (usize::from(packet_time) + 20));
                let keys = Keys::new(telling, encoder.rate(), format.codec.clock());
                Speech { format: *format, rate, encoder, resampler, pending, packet_time, telling, pauses: false, keys }
            });
        }
        self.speech.is_some()
    }

    /// Takes a block.
    pub fn say(&mut self, block: &[i16]) {
        let Some(speech) = &mut self.speech else { return };
        let start = speech.pending.len();
        match &mut speech.resampler {
            Some(resampler) => resampler.push(block, &mut speech.pending),
            None => speech.pending.extend_from_slice(block),
        }
        speech.keys.sound(&mut speech.pending[start..]);
    }

    /// Lets the time of a block pass: the phone takes nothing now.
    pub fn skip(&mut self, milliseconds: u16) {
        let Some(speech) = &mut self.speech else { return };
        speech.pending.clear();
        self.sequencer.skip(u32::from(milliseconds) * speech.format.codec.clock() / 1000);
        speech.pauses = true;
    }

    /// Writes the next full packet to the front of `out`; its length. `None` until the next block.
    pub fn poll_packet(&mut self, out: &mut [u8]) -> Option<usize> {
        let speech = self.speech.as_mut()?;
        let samples = speech.encoder.rate() as usize * usize::from(speech.packet_time) / 1000;
        let ticks = u32::from(speech.packet_time) * speech.format.codec.clock() / 1000;
        while speech.pending.len() >= samples {
            let (head, payload) = out.split_at_mut_checked(HEADER_LEN)?;
            if let Some((payload_type, event)) = speech.keys.packet(ticks) {
                speech.pending.drain(..samples);
                let now = self.sequencer.timestamp();
                self.sequencer.skip(ticks);
                speech.pauses = true;
                let Some(EventPacket { marker, back, event }) = event else { continue };
                let header = Header { marker, ..self.sequencer.at(payload_type, now.wrapping_sub(back)) };
                head.copy_from_slice(&header.to_bytes());
                let event = event.to_bytes();
                payload.get_mut(..event.len())?.copy_from_slice(&event);
                return Some(HEADER_LEN + event.len());
            }
            let length = speech.encoder.encode(&speech.pending[..samples], payload);
            speech.pending.drain(..samples);
            if length == 0 {
                self.sequencer.skip(ticks);
                speech.pauses = true;
                continue;
            }
            let mut header = self.sequencer.next(speech.format.payload_type, ticks);
            header.marker |= std::mem::take(&mut speech.pauses);
            head.copy_from_slice(&header.to_bytes());
            return Some(HEADER_LEN + length);
        }
        None
    }

    /// A key goes down.
    pub fn press(&mut self, key: char) {
        if let Some(speech) = &mut self.speech {
            speech.keys.press(key);
        }
    }

    /// It goes up, and was held for so long in all.
    pub fn release(&mut self, held: Duration) {
        if let Some(speech) = &mut self.speech {
            speech.keys.release(held);
        }
    }

    /// Whoever held a key is gone: it goes up, as soon as it may.
    pub fn let_go(&mut self) {
        self.release(Duration::ZERO);
    }

    /// A key that was held for so long.
    pub fn strike(&mut self, key: char, held: Duration) {
        if let Some(speech) = &mut self.speech {
            speech.keys.strike(key, held);
        }
    }

    /// Numbers packets that are not made here.
    pub fn sequencer(&mut self) -> &mut Sequencer {
        &mut self.sequencer
    }
}
