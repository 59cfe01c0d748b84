//! The exchange's own end of a pair whose packets do not just pass: it hears what the phone says, and says an echo, a prompt, or what
//! another phone says in another codec, as one continuous stream.

use super::keys::Key;
use super::pacer::Step;
use audio::dtmf::{self, Detector};
use audio::{Ends, FRAME, Frames, Law};
use call::{KeysHeard, KeysTold, Sound, Voice};
use codec::{Codec, Library};
use rtp::rtcp::Reporter;
use rtp::{HEADER_LEN, Header, Micros, Packet, Sequencer, Ssrc};
use sdp::service::Agreed;
use std::sync::Arc;
use std::time::Duration;
use voice::{Ear, Mouth, Telling};

/// One end.
pub struct Talk {
    pub mouth: Mouth,
    /// Hears samples; `None` while nobody wants any.
    pub ear: Option<Ear>,
    pub voice: Option<Voice>,
    /// Samples a second of ear and mouth.
    pub rate: u32,
    /// Hears keys in the sound of a phone that has no other way to say them.
    detector: Option<Detector>,
    pub tones: Tones,
    sound: Playing,
    /// The clock of what is echoed.
    clock: u32,
    /// How long a block is.
    step: Step,
    pace: Pace,
    pub reporter: Reporter,
    /// By ears that are gone.
    concealed: Duration,
}

enum Playing {
    Echo,
    /// G.711, coded once for all who hear it.
    Frames {
        frames: Frames,
        next: usize,
        law: Law,
        due: bool,
    },
    Samples {
        samples: Arc<[i16]>,
        next: usize,
        ends: Ends,
    },
    Silence,
}

/// What the pacer knows of the stream: its own entry, which a stream that another one leads has none of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    pub step: Step,
    /// Entries of another series are old ones.
    pub series: u16,
    pub running: bool,
}

/// What the turn of a stream brought.
pub enum Played {
    /// Packets wait to be sent.
    Sound,
    /// The phone holds: the prompt waits for it.
    Pause,
    /// The prompt is over.
    Done,
    /// Nothing is played by now.
    Nothing,
}

/// Whether tones of keys are listened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tones {
    /// They are, and go on as keys in the place of sound.
    Heard,
    /// They are, and go on as sound.
    Overheard,
    /// They are sound like any other.
    Passed,
}

impl Talk {
    /// A stream whose source, number and time are drawn from `random`.
    pub fn new(now: Micros, random: u64) -> Talk {
        let (ssrc, sequence, timestamp) = (random as u32, (random >> 32) as u16, crate::ports::mixed(random) as u32);
        Talk {
            mouth: Mouth::new(Sequencer::new(Ssrc(ssrc), sequence, timestamp)),
            ear: None,
            voice: None,
            rate: 8000,
            detector: None,
            tones: Tones::Passed,
            sound: Playing::Silence,
            clock: 8000,
            step: Step::Twenty,
            pace: Pace { step: Step::Twenty, series: 0, running: false },
            reporter: Reporter::new(now, Ssrc(ssrc)),
            concealed: Duration::ZERO,
        }
    }

    /// Takes what was agreed on with the phone, for samples at `rate`.
    pub fn attend(&mut self, voice: Option<&Voice>, rate: u32, library: &Library) {
        if rate != self.rate {
            self.turn_away();
            self.detector = None;
        }
        (self.voice, self.rate) = (voice.cloned(), rate);
        let Some(voice) = voice else { return };
        let telling = match voice.keys_told {
            KeysTold::Events(payload_type) => Telling::Events(payload_type),
            KeysTold::Tones => Telling::Tones,
            KeysTold::Info => Telling::Nothing,
        };
        self.mouth.speak(&voice.to_phone[0], voice.packet_time, telling, rate, library);
    }

    /// Hears samples from now on.
    pub fn listen(&mut self, tones: Tones, library: &Library) {
        let Some(voice) = &self.voice else { return };
        let ear = self.ear.get_or_insert_with(|| Ear::new(self.rate, PATIENCE, library));
        ear.expect(&voice.from_phone, voice.comfort_noise);
        self.tones = if voice.keys_heard == KeysHeard::Tones { tones } else { Tones::Passed };
        self.detector = match self.tones {
            Tones::Heard | Tones::Overheard => self.detector.take().or_else(|| Detector::new(self.rate)),
            Tones::Passed => None,
        };
    }

    /// Hears them no longer.
    pub fn turn_away(&mut self) {
        self.concealed = self.concealed();
        self.ear = None;
    }

    /// Sound made up in the place of what was lost or late.
    pub fn concealed(&self) -> Duration {
        self.concealed + self.ear.as_ref().map(|ear| ear.statistics().concealed).unwrap_or_default()
    }

    /// Turns to another sound. Says what the pacer must be told of the stream.
    pub fn begin(&mut self, sound: Sound, agreed: &Agreed) -> Option<Pace> {
        self.clock = agreed.clock;
        self.sound = match (sound, &self.voice) {
            (Sound::Echo, _) => Playing::Echo,
            (Sound::Silence | Sound::Room(_), _) | (Sound::Prompt(_), None) => Playing::Silence,
            (Sound::Prompt(prompt), Some(voice)) => {
                let law = match voice.to_phone[0].codec {
                    Codec::Pcmu => Some(Law::Mu),
                    Codec::Pcma => Some(Law::A),
                    _ => None,
                };
                match law.filter(|_| voice.packet_time == FRAME_TIME && prompt.ends() == Ends::Silence) {
                    Some(law) => Playing::Frames { frames: prompt.frames(law), next: 0, law, due: false },
                    None => Playing::Samples { samples: prompt.at(self.rate), next: 0, ends: prompt.ends() },
                }
            }
        };
        let packet_time = self.voice.as_ref().map_or(FRAME_TIME, |voice| voice.packet_time);
        self.wants_pace(Step::of(packet_time))
    }

    /// What the pacer is to be told of the stream; it is taken as told.
    pub fn wants_pace(&mut self, step: Step) -> Option<Pace> {
        self.step = step;
        let plays = matches!(self.sound, Playing::Frames { .. } | Playing::Samples { .. });
        let Pace { running, series, .. } = self.pace;
        let is_news = (plays || self.ear.is_some()) && !(running && self.pace.step == step);
        is_news.then(|| {
            self.pace = Pace { step, series: series.wrapping_add(1), running: true };
            self.pace
        })
    }

    /// Has its turns with another stream or a room from now on, and none of its own.
    pub fn follow(&mut self, step: Step) {
        self.step = step;
        self.pace = Pace { step, series: self.pace.series.wrapping_add(1), running: false };
    }

    /// Does the pacer's entry of this series still hold?
    pub fn is_paced(&self, series: u16) -> bool {
        self.pace.series == series
    }

    /// The pacer's entry is gone.
    pub fn rest(&mut self) {
        self.pace.running = false;
    }

    /// Samples of a turn.
    pub fn block(&self) -> usize {
        self.rate as usize / 1000 * usize::from(self.step.milliseconds())
    }

    /// Plays nothing any more.
    pub fn stop(&mut self) {
        self.sound = Playing::Silence;
    }

    /// Takes a packet of sound.
    pub fn hear(&mut self, now: Micros, datagram: &[u8]) {
        if let (Some(ear), Ok(packet)) = (&mut self.ear, Packet::parse(datagram)) {
            ear.on_packet(now, &packet.header, packet.payload());
        }
    }

    /// Makes an RTP packet of the phone one of ours, in place; false if it is not to be sent.
    ///
    /// Under its own source a phone would take the echo for a loop (RFC 3550 §8.2).
    pub fn echo(&mut self, now: Micros, datagram: &mut [u8]) -> bool {
        match (&self.sound, Packet::parse(datagram).map(|packet| packet.header)) {
            (Playing::Echo, Ok(header)) => {
                let header: Header = self.mouth.sequencer().follow(now, &header, self.clock);
                header.put(datagram);
                true
            }
            (Playing::Echo | Playing::Frames { .. } | Playing::Samples { .. } | Playing::Silence, _) => false,
        }
    }

    /// Does the phone hear itself?
    pub fn is_echo(&self) -> bool {
        matches!(self.sound, Playing::Echo)
    }

    /// Makes the next block of a prompt ready for [`Talk::poll_packet`].
    pub fn play(&mut self, hears: Hears) -> Played {
        let (samples_of_block, milliseconds) = (self.block(), self.step.milliseconds());
        match &mut self.sound {
            Playing::Echo | Playing::Silence => Played::Nothing,
            Playing::Frames { .. } | Playing::Samples { .. } if hears == Hears::Nothing => {
                self.mouth.skip(milliseconds);
                Played::Pause
            }
            Playing::Frames { frames, next, due, .. } => {
                *due = frames.get(*next).is_some();
                if !*due {
                    self.sound = Playing::Silence;
                    return Played::Done;
                }
                Played::Sound
            }
            Playing::Samples { samples, next, ends } => {
                let mut block = [0; LONGEST_BLOCK];
                let block = &mut block[..samples_of_block];
                let left = samples.len().saturating_sub(*next);
                if left == 0 && (*ends == Ends::Silence || samples.is_empty()) {
                    self.sound = Playing::Silence;
                    return Played::Done;
                }
                for sample in block.iter_mut() {
                    if *next == samples.len() && *ends == Ends::Loop {
                        *next = 0;
                    }
                    *sample = samples.get(*next).copied().unwrap_or(0);
                    *next += usize::from(*next < samples.len());
                }
                self.mouth.say(block);
                Played::Sound
            }
        }
    }

    /// Writes the next packet that waits to the front of `buffer`; its length.
    pub fn poll_packet(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let Playing::Frames { frames, next, law, due } = &mut self.sound else { return self.mouth.poll_packet(buffer) };
        let frame = frames.get(*next).filter(|_| std::mem::take(due))?;
        *next += 1;
        let packet = &mut buffer[..HEADER_LEN + FRAME];
        let header = self.mouth.sequencer().next(law.payload_type(), FRAME as u32);
        packet[..HEADER_LEN].copy_from_slice(&header.to_bytes());
        packet[HEADER_LEN..].copy_from_slice(frame);
        Some(packet.len())
    }

    /// What the phone says in the next block, and the keys whose tones are heard in it. A tone itself is left out where the key goes
    /// on in another way.
    pub fn draw(&mut self, now: Micros, block: &mut [i16]) -> Vec<Key> {
        match &mut self.ear {
            Some(ear) => _ = ear.draw(now, block),
            None => block.fill(0),
        }
        let Some(detector) = &mut self.detector else { return Vec::new() };
        let heard = detector.push(block);
        if self.tones == Tones::Heard && detector.is_suspect() {
            block.fill(0);
        }
        let key = |heard| match heard {
            dtmf::Heard::Pressed(key) => Key::Pressed(key),
            dtmf::Heard::Released(key, held) => Key::Released(key, held),
        };
        heard.into_iter().map(key).collect()
    }

    /// Tells the phone a block.
    pub fn tell(&mut self, hears: Hears, block: &[i16]) {
        match hears {
            Hears::Sound => self.mouth.say(block),
            Hears::Nothing => self.mouth.skip(self.step.milliseconds()),
        }
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

/// Milliseconds of sound in a packet of a prompt that is coded once for all.
const FRAME_TIME: u16 = 20;
/// Samples of a turn at the highest rate.
pub const LONGEST_BLOCK: usize = 48 * 20;
/// How long late packets are waited for.
const PATIENCE: voice::Settings =
    voice::Settings { least: Duration::from_millis(10), most: Duration::from_millis(300) };
