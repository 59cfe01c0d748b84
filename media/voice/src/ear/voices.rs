//! The decoders of a stream, one for each payload type that it may use.

use codec::{Codec, Decoder, Format, Library};

/// What payload types carry.
pub struct Voices {
    rate: u32,
    library: Library,
    voices: Vec<Voice>,
    comfort_noise: Option<u8>,
}

struct Voice {
    payload_type: u8,
    codec: Codec,
    /// Made when it is first needed; `None` inside: it cannot be.
    decoder: Option<Option<Decoder>>,
}

/// What a payload type carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sound, with a clock of so many ticks a second.
    Sound(u32),
    /// A description of noise (RFC 3389), by the clock of the sound around it.
    Noise,
}

impl Voices {
    /// None yet.
    pub fn new(rate: u32, library: &Library) -> Voices {
        Voices { rate, library: library.clone(), voices: Vec::new(), comfort_noise: None }
    }

    /// What payload types carry from now on; decoders of the same codec stay.
    pub fn expect(&mut self, formats: &[Format], comfort_noise: Option<u8>) {
        let mut before = std::mem::take(&mut self.voices);
        for Format { codec, payload_type, .. } in formats {
            let decoder = before.iter().position(|voice| voice.codec == *codec);
            let decoder = decoder.and_then(|at| before.swap_remove(at).decoder);
            self.voices.push(Voice { payload_type: *payload_type, codec: *codec, decoder });
        }
        self.comfort_noise = comfort_noise;
    }

    /// `None`: nothing that is expected.
    pub fn kind(&self, payload_type: u8) -> Option<Kind> {
        if self.comfort_noise == Some(payload_type) {
            return Some(Kind::Noise);
        }
        let voice = self.voices.iter().find(|voice| voice.payload_type == payload_type)?;
        Some(Kind::Sound(voice.codec.clock()))
    }

    /// The decoder of a payload type of sound.
    pub fn decoder(&mut self, payload_type: u8) -> Option<&mut Decoder> {
        let voice = self.voices.iter_mut().find(|voice| voice.payload_type == payload_type)?;
        let make = || Decoder::new(voice.codec, self.rate, &self.library);
        voice.decoder.get_or_insert_with(make).as_mut()
    }
}
