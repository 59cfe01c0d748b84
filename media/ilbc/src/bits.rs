//! The bits of a frame: every index is split into up to three classes of importance, and the classes follow each other
//! (RFC 3951 §3.8).

use crate::codebook::{Code, STAGES};
use crate::decoder::BadFrame;
use crate::lsf;
use crate::mode::{MAX_STATE_SAMPLES, MAX_SUB_BLOCKS};
use crate::state::{self, End, Place};
use crate::{Mode, Mode::Ms20, Mode::Ms30};

/// Everything that a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// In the 20 ms mode the second is that of the first.
    pub envelope: [lsf::Index; 2],
    pub place: Place,
    pub state: state::Code,
    /// In the order of their coding; those past the mode's last are 0.
    pub blocks: [Code; MAX_BLOCKS],
}

impl Parameters {
    /// Writes the frame; `out` has exactly the mode's bytes.
    pub fn pack(&self, mode: Mode, out: &mut [u8]) {
        let mut writer = Writer { bytes: out, at: 0 };
        writer.bytes.fill(0);
        let values = self.to_values(mode);
        for class in 0..CLASSES {
            for (value, widths) in values.iter().zip(widths(mode)) {
                let less_important: u32 = widths[class + 1..].iter().sum();
                writer.write(value >> less_important, widths[class]);
            }
        }
        // The bit that is left is 0: the frame is not empty.
    }

    /// Reads a frame of exactly the mode's bytes.
    ///
    /// # Errors
    /// [`BadFrame::Empty`] and [`BadFrame::StartState`].
    pub fn unpack(mode: Mode, bytes: &[u8]) -> Result<Parameters, BadFrame> {
        let mut reader = Reader { bytes, at: 0 };
        let mut values = [0; MAX_VALUES];
        for class in 0..CLASSES {
            for (value, widths) in values.iter_mut().zip(widths(mode)) {
                *value = *value << widths[class] | reader.read(widths[class]);
            }
        }
        match reader.read(1) {
            0 => Self::from_values(mode, &values),
            _ => Err(BadFrame::Empty),
        }
    }

    fn to_values(&self, mode: Mode) -> [usize; MAX_VALUES] {
        let end = match self.place.end {
            End::First => 1,
            End::Last => 0,
        };
        let mut blocks = self.blocks;
        let (rest, predicted) = blocks[..1 + mode.predicted_sub_blocks()].split_at_mut(1);
        for index in &mut predicted[0].index[1..] {
            *index = to_seven_bits(*index);
        }
        let all = (self.envelope[..mode.analyses()].as_flattened().iter().copied())
            .chain([self.place.sub_block + 1, end, self.state.scale])
            .chain(self.state.samples[..mode.state_samples()].iter().copied())
            .chain(rest[0].index)
            .chain(rest[0].gain)
            .chain(predicted.iter().flat_map(|code| code.index))
            .chain(predicted.iter().flat_map(|code| code.gain));
        let mut values = [0; MAX_VALUES];
        for (value, given) in values.iter_mut().zip(all) {
            *value = given;
        }
        values
    }

    fn from_values(mode: Mode, values: &[usize; MAX_VALUES]) -> Result<Parameters, BadFrame> {
        let values = &mut values.iter().copied();
        let mut envelope = [three(values); 2];
        if mode == Ms30 {
            envelope[1] = three(values);
        }
        let [start, end, scale] = three(values);
        let sub_block = match start.checked_sub(1) {
            Some(sub_block) if sub_block + 1 < mode.sub_blocks() => sub_block,
            _ => return Err(BadFrame::StartState),
        };
        let place = Place { sub_block, end: if end == 1 { End::First } else { End::Last } };
        let mut samples = [0; MAX_STATE_SAMPLES];
        for (sample, value) in samples[..mode.state_samples()].iter_mut().zip(&mut *values) {
            *sample = value;
        }
        let mut blocks = [Code::default(); MAX_BLOCKS];
        blocks[0] = Code { index: three(values), gain: three(values) };
        let predicted = &mut blocks[1..=mode.predicted_sub_blocks()];
        predicted.iter_mut().for_each(|code| code.index = three(values));
        predicted.iter_mut().for_each(|code| code.gain = three(values));
        for index in &mut predicted[0].index[1..] {
            *index = from_seven_bits(*index);
        }
        Ok(Parameters { envelope, place, state: state::Code { scale, samples }, blocks })
    }
}

fn three(values: &mut impl Iterator<Item = usize>) -> [usize; 3] {
    std::array::from_fn(|_| values.next().unwrap_or_default())
}

/// The later stages of the first sub-block see only part of each section of the codebook, so their indices fit into
/// seven bits.
fn to_seven_bits(index: usize) -> usize {
    match index {
        0..108 => index,
        108..172 => index - 64,
        _ => index - 128,
    }
}

fn from_seven_bits(index: usize) -> usize {
    match index {
        0..44 => index,
        44..108 => index + 64,
        _ => index + 128,
    }
}

/// Bits of a value in each class, the most significant first.
type Widths = [u32; CLASSES];

/// The widths of all values in their order (RFC 3951 §3.8).
fn widths(mode: Mode) -> impl Iterator<Item = Widths> {
    let (start, rest, predicted): (_, _, &[Widths]) = match mode {
        Ms20 => (2, [[6, 0, 1], [0, 0, 7], [0, 0, 7], [2, 0, 3], [1, 1, 2], [0, 0, 3]], &PREDICTED_20),
        Ms30 => (3, [[4, 2, 1], [0, 0, 7], [0, 0, 7], [1, 1, 3], [1, 1, 2], [0, 0, 3]], &PREDICTED_30),
    };
    std::iter::repeat_n([[6, 0, 0], [7, 0, 0], [7, 0, 0]], mode.analyses())
        .flatten()
        .chain([[start, 0, 0], [1, 0, 0], [6, 0, 0]])
        .chain(std::iter::repeat_n([0, 1, 2], mode.state_samples()))
        .chain(rest)
        .chain(predicted.iter().copied())
}

#[rustfmt::skip]
const PREDICTED_20: [Widths; 12] = [
    [7, 0, 1], [0, 0, 7], [0, 0, 7],
    [0, 0, 8], [0, 0, 8], [0, 0, 8],
    [1, 2, 2], [1, 1, 2], [0, 0, 3],
    [1, 1, 3], [0, 2, 2], [0, 0, 3],
];

#[rustfmt::skip]
const PREDICTED_30: [Widths; 24] = [
    [6, 1, 1], [0, 0, 7], [0, 0, 7],
    [0, 7, 1], [0, 0, 8], [0, 0, 8],
    [0, 7, 1], [0, 0, 8], [0, 0, 8],
    [0, 7, 1], [0, 0, 8], [0, 0, 8],
    [1, 2, 2], [1, 2, 1], [0, 0, 3],
    [0, 2, 3], [0, 2, 2], [0, 0, 3],
    [0, 1, 4], [0, 1, 3], [0, 0, 3],
    [0, 1, 4], [0, 1, 3], [0, 0, 3],
];

const CLASSES: usize = 3;

/// The most blocks of a frame in any mode.
const MAX_BLOCKS: usize = MAX_SUB_BLOCKS - 1;

/// The most values of a frame in any mode.
const MAX_VALUES: usize = 6 + 3 + MAX_STATE_SAMPLES + 2 * STAGES * MAX_BLOCKS;

struct Writer<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    /// Writes the `width` low bits of `value`, the most significant first.
    fn write(&mut self, value: usize, width: u32) {
        for bit in (0..width).rev() {
            self.bytes[self.at / 8] |= ((value >> bit & 1) as u8) << (7 - self.at % 8);
            self.at += 1;
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next `width` bits, the most significant first; past the end they are 0.
    fn read(&mut self, width: u32) -> usize {
        (0..width).fold(0, |value, _| {
            let byte = self.bytes.get(self.at / 8).copied().unwrap_or_default();
            let bit = byte >> (7 - self.at % 8) & 1;
            self.at += 1;
            value << 1 | usize::from(bit)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widths_add_up_to_all_bits_but_one() {
        for (mode, bits) in [(Ms20, [48, 64, 191]), (Ms30, [64, 96, 239])] {
            let totals =
                widths(mode).fold([0; 3], |sum, widths| std::array::from_fn(|class| sum[class] + widths[class]));
            assert_eq!(totals, bits, "{mode:?}");
            assert_eq!(totals.iter().sum::<u32>() as usize + 1, 8 * mode.frame_bytes());
        }
    }

    #[test]
    fn any_frame_with_a_start_state_is_packed_as_it_was_unpacked() {
        for mode in [Ms20, Ms30] {
            let mut seed = 7u32;
            let mut unpacked = 0;
            for _ in 0..200 {
                let mut frame: Vec<u8> = (0..mode.frame_bytes())
                    .map(|_| {
                        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        (seed >> 24) as u8
                    })
                    .collect();
                *frame.last_mut().expect("38 or 50 bytes") &= 0xfe;
                if let Ok(parameters) = Parameters::unpack(mode, &frame) {
                    let mut packed = vec![0xff; mode.frame_bytes()];
                    parameters.pack(mode, &mut packed);
                    assert_eq!(packed, frame);
                    unpacked += 1;
                }
            }
            assert!(unpacked > 100, "{unpacked}");
        }
    }

    #[test]
    fn seven_bits_hold_every_index_of_a_restricted_stage() {
        let indices = (0..44).chain(108..172).chain(236..256);
        for index in indices {
            assert!(to_seven_bits(index) < 128);
            assert_eq!(from_seven_bits(to_seven_bits(index)), index);
        }
    }
}
