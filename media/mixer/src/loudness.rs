//! Who speaks, and how loudly: the power of blocks, held against the noise of the room that they come from.

/// How loud one participant is. Powers are mean squares of samples.
#[derive(Debug, Clone)]
pub(crate) struct Loudness {
    /// Rises at once, falls over some 0.4 s.
    level: f32,
    /// The noise behind the voice.
    floor: f32,
}

impl Loudness {
    /// Of a newcomer, whose noise is taken for high until less of it was heard.
    pub fn new() -> Loudness {
        Loudness { level: 0.0, floor: FLOOR_HIGHEST }
    }

    pub fn level(&self) -> f32 {
        self.level
    }

    /// Whether a block of this power is a voice; learns the noise from it.
    pub fn is_voice(&mut self, power: f32) -> bool {
        let is_voice = power >= self.floor * OVER_FLOOR;
        // A block without any sound, of a muted telephone, tells nothing about the room behind it.
        if power > 0.0 {
            let floor = if power < self.floor {
                self.floor + FLOOR_FALL * (power - self.floor)
            } else {
                power.min(self.floor * FLOOR_RISE)
            };
            self.floor = floor.clamp(FLOOR_LOWEST, FLOOR_HIGHEST);
        }
        is_voice
    }

    /// Another turn, in which this power was heard.
    pub fn turn(&mut self, power: f32) {
        self.level = power.max(self.level * LEVEL_FALL);
    }

    /// As if nothing had been said.
    pub fn hush(&mut self) {
        self.level = 0.0;
    }
}

/// The mean square of a block; zero for an empty one.
pub(crate) fn power(block: &[i16]) -> f32 {
    // One sum a lane: additions of one float after the other could not be done side by side.
    let mut sums = [0.0_f32; LANES];
    let (chunks, rest) = block.as_chunks::<LANES>();
    for chunk in chunks {
        for (sum, sample) in sums.iter_mut().zip(chunk) {
            let sample = f32::from(*sample);
            *sum += sample * sample;
        }
    }
    let rest: f32 = rest.iter().map(|sample| f32::from(*sample) * f32::from(*sample)).sum();
    (sums.iter().sum::<f32>() + rest) / block.len().max(1) as f32
}

const LANES: usize = 16;

/// 0 dBm0: 3.17 dB below a sine at full scale.
const MILLIWATT: f32 = 2.566e8;
/// -65 dBm0: less noise is not told from none.
const FLOOR_LOWEST: f32 = MILLIWATT * 3.162e-7;
/// -40 dBm0: what is 9 dB above this is heard, however steadily it sounds.
const FLOOR_HIGHEST: f32 = MILLIWATT * 1e-4;
/// 9 dB: noise of any kind stays within, a voice does not.
const OVER_FLOOR: f32 = 8.0;
/// A block: 3 dB a second, so that a long word is not taken for noise.
const FLOOR_RISE: f32 = 1.014;
/// A block: found within 0.4 s, and not by one lost packet.
const FLOOR_FALL: f32 = 0.2;
/// A block: slower than syllables follow one another.
const LEVEL_FALL: f32 = 0.95;

#[cfg(test)]
mod tests {
    use super::{FLOOR_HIGHEST, Loudness, MILLIWATT, power};

    #[test]
    fn power_is_the_mean_square_of_blocks_of_any_length() {
        for length in [1, 15, 16, 17, 160, 320, 960] {
            assert_eq!(power(&vec![-300; length]), 90_000.0, "{length}");
            assert_eq!(power(&vec![i16::MIN; length]), (1_u32 << 30) as f32, "{length}");
        }
        assert_eq!(power(&[]), 0.0);
    }

    #[test]
    fn a_voice_is_9_db_above_the_noise_that_was_heard() {
        let mut loudness = Loudness::new();
        let noise = MILLIWATT * 1e-5;
        for _ in 0..50 {
            assert!(!loudness.is_voice(noise));
        }
        assert!(!loudness.clone().is_voice(noise * 6.0));
        assert!(loudness.is_voice(noise * 10.0));
    }

    #[test]
    fn what_is_loud_stays_a_voice_however_long_it_sounds() {
        let mut loudness = Loudness::new();
        assert!((0..10_000).all(|_| loudness.is_voice(FLOOR_HIGHEST * 9.0)));
    }

    #[test]
    fn a_pause_without_any_sound_does_not_open_the_gate_for_noise() {
        let mut loudness = Loudness::new();
        (0..50).for_each(|_| assert!(!loudness.is_voice(MILLIWATT * 1e-5)));
        (0..500).for_each(|_| assert!(!loudness.is_voice(0.0)));
        assert!(!loudness.is_voice(MILLIWATT * 1e-5));
    }
}
