//! What the exchange itself sends on a pair: an echo or a prompt, as one continuous stream; and the digits that it hears.

use audio::{FRAME, Frames, Law};
use call::Sound;
use rtp::{Datagram, DigitReceiver, HEADER_LEN, Heard, Micros, Packet, Sequencer, Ssrc};
use sdp::service::{Agreed, Codec};

/// The exchange's side of a stream.
pub struct Served {
    sequencer: Sequencer,
    digits: DigitReceiver,
    sound: Playing,
    payload_type: u8,
    clock: u32,
    telephone_event: Option<u8>,
    pace: Pace,
}

enum Playing {
    Echo,
    Prompt { frames: Frames, next: usize },
    Silence,
}

#[derive(PartialEq, Eq)]
enum Pace {
    /// The pacer knows the stream.
    Running,
    Stopped,
}

/// What the turn of a stream brought.
pub enum Played {
    /// A packet of so many bytes is in the front of the buffer.
    Packet(usize),
    /// The phone holds: the prompt waits for it.
    Pause,
    /// The prompt is over.
    Done,
    /// Something else is served by now.
    Nothing,
}

impl Served {
    /// A stream whose source, number and time are drawn from `random`.
    pub fn new(random: u64, agreed: &Agreed) -> Served {
        let (ssrc, sequence, timestamp) = (random as u32, (random >> 32) as u16, crate::ports::mixed(random) as u32);
        Served {
            sequencer: Sequencer::new(Ssrc(ssrc), sequence, timestamp),
            digits: DigitReceiver::default(),
            sound: Playing::Silence,
            payload_type: agreed.payload_type,
            clock: agreed.clock,
            telephone_event: agreed.telephone_event,
            pace: Pace::Stopped,
        }
    }

    /// Turns to another sound. Says whether the pacer must be told of the stream.
    pub fn begin(&mut self, sound: Sound, agreed: &Agreed) -> bool {
        let law = match agreed.codec {
            Codec::Pcma => Law::A,
            // Only an echo is agreed on with another codec, and it codes nothing.
            Codec::Pcmu | Codec::Other => Law::Mu,
        };
        (self.payload_type, self.clock, self.telephone_event) =
            (agreed.payload_type, agreed.clock, agreed.telephone_event);
        self.sound = match sound {
            Sound::Echo => Playing::Echo,
            Sound::Prompt(prompt) => Playing::Prompt { frames: prompt.frames(law), next: 0 },
            Sound::Silence => Playing::Silence,
        };
        let starts = matches!(self.sound, Playing::Prompt { .. }) && self.pace == Pace::Stopped;
        if starts {
            self.pace = Pace::Running;
        }
        starts
    }

    /// Plays nothing any more.
    pub fn stop(&mut self) {
        self.sound = Playing::Silence;
    }

    /// The key that went down, if this datagram is the first to tell.
    pub fn digit(&mut self, now: Micros, datagram: &[u8]) -> Option<char> {
        let event = self.telephone_event?;
        if Datagram::classify(datagram) != Datagram::Rtp || datagram.get(1)? & 0x7f != event {
            return None;
        }
        let packet = Packet::parse(datagram).ok()?;
        self.digits.on_packet(now, &packet.header, packet.payload()).find_map(|heard| match heard {
            Heard::Pressed(key) | Heard::Struck(key, _) => Some(key),
            Heard::Released(_, _) => None,
        })
    }

    /// Makes an RTP packet of the phone one of ours, in place; false if it is not to be sent.
    ///
    /// Under its own source a phone would take the echo for a loop (RFC 3550 §8.2).
    pub fn echo(&mut self, now: Micros, datagram: &mut [u8]) -> bool {
        match (&self.sound, Packet::parse(datagram).map(|packet| packet.header)) {
            (Playing::Echo, Ok(header)) => {
                self.sequencer.follow(now, &header, self.clock).put(datagram);
                true
            }
            (Playing::Echo | Playing::Prompt { .. } | Playing::Silence, _) => false,
        }
    }

    /// Writes the next packet of a prompt to the front of `buffer`. Called once in 20 ms until it says [`Played::Done`] or
    /// [`Played::Nothing`].
    pub fn play(&mut self, hears: Hears, buffer: &mut [u8]) -> Played {
        let Playing::Prompt { frames, next } = &mut self.sound else {
            self.pace = Pace::Stopped;
            return Played::Nothing;
        };
        if hears == Hears::Nothing {
            self.sequencer.skip(FRAME as u32);
            return Played::Pause;
        }
        let Some(frame) = frames.get(*next) else {
            self.sound = Playing::Silence;
            self.pace = Pace::Stopped;
            return Played::Done;
        };
        *next += 1;
        let packet = &mut buffer[..HEADER_LEN + FRAME];
        packet[..HEADER_LEN].copy_from_slice(&self.sequencer.next(self.payload_type, FRAME as u32).to_bytes());
        packet[HEADER_LEN..].copy_from_slice(frame);
        Played::Packet(packet.len())
    }
}

/// Does the phone take sound now?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hears {
    /// Yes.
    Sound,
    /// It holds the call.
    Nothing,
}
