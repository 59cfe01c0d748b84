use crate::high::{High, SILENCE};
use crate::low::Low;
use crate::qmf::Analysis;
use crate::{BLOCK, Band};

/// Sound to codes (G.722 §3), from the Recommendation's reset on.
#[derive(Clone, Debug)]
pub struct Encoder {
    low: Low,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Narrow,
    Wide(Box<(Analysis, High)>),
}

impl Encoder {
    /// An encoder at reset, for samples of this band.
    pub fn new(band: Band) -> Self {
        let way = match band {
            Band::Narrow => Way::Narrow,
            Band::Wide => Way::Wide(Box::new((Analysis::new(), High::new()))),
        };
        Self { low: Low::new(), way }
    }

    /// Writes an octet for every sample (narrow) or two (wide), as many as both slices hold, and gives their number.
    ///
    /// A last odd wide sample is passed over. In the narrow band the higher one says silence, as it would had it been fed
    /// with zeros since the reset: a wide decoder's higher band stays at rest with it.
    pub fn encode(&mut self, samples: &[i16], out: &mut [u8]) -> usize {
        match &mut self.way {
            Way::Narrow => {
                for (sample, code) in samples.iter().zip(&mut *out) {
                    *code = SILENCE << 6 | self.low.encode(i32::from(*sample) >> 1);
                }
                samples.len().min(out.len())
            }
            Way::Wide(wide) => {
                let (analysis, high) = &mut **wide;
                let length = (samples.len() / 2).min(out.len());
                for (samples, out) in samples[..2 * length].chunks(2 * BLOCK).zip(out.chunks_mut(BLOCK)) {
                    let low = &mut self.low;
                    analysis.split(samples, |index, lower, higher| {
                        out[index] = high.encode(higher) << 6 | low.encode(lower);
                    });
                }
                length
            }
        }
    }
}
