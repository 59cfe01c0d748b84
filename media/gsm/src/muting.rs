//! What is decoded in place of lost frames (GSM 06.11 §6).

use crate::frame::{Excitation, Parameters, Quarter};

/// Remembers the last frame, and how far it has faded.
#[derive(Debug, Clone)]
pub struct Muting {
    /// What the next lost frame is replaced by.
    next: Parameters,
    /// Frames lost in a row.
    lost: u32,
    /// A linear congruence: the grid of a faded frame shall be random, so that its repetition is no tone.
    chance: u32,
}

impl Default for Muting {
    fn default() -> Muting {
        Muting { next: SILENCE, lost: 0, chance: 0 }
    }
}

impl Muting {
    pub fn received(&mut self, parameters: &Parameters) {
        (self.next, self.lost) = (*parameters, 0);
    }

    /// A frame has been lost since the last one that was received: the next one lost is softer.
    pub fn is_fading(&self) -> bool {
        self.lost > 0
    }

    /// The first time the frame as it was; each time after that with a lower amplitude, and after the lowest, silence.
    pub fn lost(&mut self) -> Parameters {
        let substitute = self.next;
        self.lost = self.lost.saturating_add(1);
        let is_soft = substitute.quarters.iter().all(|quarter| quarter.excitation.amplitude < 2 * STEP);
        if is_soft && self.lost >= LEAST {
            self.next = SILENCE;
            return substitute;
        }
        for quarter in &mut self.next.quarters {
            self.chance = self.chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            quarter.excitation.grid = (self.chance >> 30) as u8;
            quarter.excitation.amplitude = quarter.excitation.amplitude.saturating_sub(STEP);
            quarter.gain = quarter.gain.min(FADING_GAIN);
        }
        substitute
    }
}

/// d: of 64 amplitudes, sixteen frames' steps. What would fall below one step is silence already, so that the sixteenth
/// frame is, and the filters are calm at its end.
const STEP: u8 = 4;

/// Lost frames before silence, however low the amplitude: of a steady sound it is low, since nearly all is repeated.
const LEAST: u32 = 4;

/// The code of 0.65; with that of 1 the sound would repeat itself undiminished, whatever is added to it.
const FADING_GAIN: u8 = 2;

/// Table 1 of GSM 06.11.
const SILENCE: Parameters = Parameters {
    lars: [42, 39, 21, 10, 9, 4, 3, 2],
    quarters: [Quarter {
        lag: 40,
        gain: 0,
        excitation: Excitation { grid: 1, amplitude: 0, pulses: [3, 4, 3, 4, 4, 3, 3, 3, 3, 4, 4, 3, 3] },
    }; 4],
};

#[cfg(test)]
mod tests {
    use super::{Muting, SILENCE};
    use crate::frame::Parameters;
    use crate::vectors::Random;

    #[test]
    fn every_further_loss_is_four_steps_softer_on_grids_that_change() {
        let mut random = Random::new();
        let mut parameters = Parameters::parse(&random.frame()).unwrap();
        for quarter in &mut parameters.quarters {
            quarter.excitation.amplitude = 63;
        }
        let mut muting = Muting::default();
        muting.received(&parameters);
        assert_eq!(muting.lost(), parameters);
        let mut grids = Vec::new();
        for loss in 1..15 {
            let substitute = muting.lost();
            assert_eq!(substitute.lars, parameters.lars);
            for (quarter, original) in substitute.quarters.iter().zip(&parameters.quarters) {
                assert_eq!(quarter.excitation.amplitude, 63 - 4 * loss);
                assert_eq!(quarter.excitation.pulses, original.excitation.pulses);
                grids.push(quarter.excitation.grid);
            }
        }
        assert!((0..4).all(|grid| grids.contains(&grid)), "{grids:?}");
        assert_eq!([muting.lost(), muting.lost()], [SILENCE; 2]);
    }
}
