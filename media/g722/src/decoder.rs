use crate::high::High;
use crate::low::Low;
use crate::qmf::Synthesis;
use crate::{BLOCK, Band};

/// Codes to sound (G.722 §4), from the Recommendation's reset on.
#[derive(Clone, Debug)]
pub struct Decoder {
    low: Low,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Narrow,
    Wide(Box<(Synthesis, High)>),
}

impl Decoder {
    /// A decoder at reset, for samples of this band.
    pub fn new(band: Band) -> Self {
        let way = match band {
            Band::Narrow => Way::Narrow,
            Band::Wide => Way::Wide(Box::new((Synthesis::new(), High::new()))),
        };
        Self { low: Low::new(), way }
    }

    /// Writes a sample (narrow) or two (wide) for every octet, as many as both slices hold, and gives their number.
    ///
    /// Any octets decode. In the narrow band the higher one is not looked at.
    pub fn decode(&mut self, codes: &[u8], out: &mut [i16]) -> usize {
        match &mut self.way {
            Way::Narrow => {
                for (code, sample) in codes.iter().zip(&mut *out) {
                    *sample = (self.low.decode(*code) << 1) as i16;
                }
                codes.len().min(out.len())
            }
            Way::Wide(wide) => {
                let (synthesis, high) = &mut **wide;
                let (pairs, _) = out.as_chunks_mut::<2>();
                let length = codes.len().min(pairs.len());
                for (codes, pairs) in codes[..length].chunks(BLOCK).zip(pairs.chunks_mut(BLOCK)) {
                    let low = &mut self.low;
                    synthesis.join(&mut pairs[..codes.len()], |index| {
                        (low.decode(codes[index]), high.decode(codes[index] >> 6))
                    });
                }
                2 * length
            }
        }
    }
}
