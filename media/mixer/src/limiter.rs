//! What keeps the sum of several voices within 16 bits: a gain that all outputs share, so that nobody's loudness jumps when
//! they begin or cease to speak.

/// One gain a sample, for a block at a time. While nothing is too loud it is one, and sums pass as they are.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// At the end of the last block.
    gain: f32,
    gains: Vec<f32>,
    /// The highest magnitude in any output, a sample.
    peaks: Vec<i32>,
    /// Samples of a millisecond, in which the gain keeps one slope.
    piece: usize,
}

impl Limiter {
    pub fn new(rate: u32, block: usize) -> Limiter {
        Limiter { gain: 1.0, gains: vec![1.0; block], peaks: vec![0; block], piece: (rate as usize / 1000).max(1) }
    }

    /// Another block.
    pub fn begin(&mut self) {
        self.peaks.fill(0);
    }

    /// One of the sums that will be put out.
    pub fn see(&mut self, sums: &[i32]) {
        for (peak, sum) in self.peaks.iter_mut().zip(sums) {
            // The magnitude, of negative ones less one: -32768 fits, 32768 does not.
            *peak = (*peak).max(sum ^ (sum >> 31));
        }
    }

    /// Finds the gains of the block, once all sums were seen.
    pub fn settle(&mut self) {
        let loudest = self.peaks.iter().copied().max().unwrap_or(0);
        if loudest <= LOUDEST && self.gain >= 1.0 {
            self.gains.fill(1.0);
            return;
        }
        let allowed = |peaks: Option<&[i32]>| {
            let peak = peaks.and_then(|peaks| peaks.iter().copied().max()).unwrap_or(0);
            if peak > LOUDEST { TARGET / peak as f32 } else { 1.0 }
        };
        let mut pieces = self.peaks.chunks(self.piece).peekable();
        let mut gains = self.gains.chunks_mut(self.piece);
        while let (Some(peaks), Some(gains)) = (pieces.next(), gains.next()) {
            let here = allowed(Some(peaks));
            // What the next piece needs is reached before it begins.
            let end = here.min(allowed(pieces.peek().copied())).min(self.gain + RECOVERY);
            let mut slope = (end - self.gain) / peaks.len() as f32;
            if self.gain > here {
                // Only at the begin of a block, which could not be foreseen: as steep as its first samples ask for.
                for (sample, peak) in peaks.iter().enumerate() {
                    slope = slope.min((TARGET / (*peak).max(1) as f32 - self.gain) / (sample + 1) as f32);
                }
            }
            for (sample, gain) in gains.iter_mut().enumerate() {
                let ramp = self.gain + slope * (sample + 1) as f32;
                *gain = if slope < 0.0 { ramp.max(end) } else { ramp };
            }
            self.gain = end;
        }
    }

    /// Puts one of the sums out.
    pub fn put(&self, sums: &[i32], out: &mut [i16]) {
        for ((out, sum), gain) in out.iter_mut().zip(sums).zip(&self.gains) {
            // Sums lie far within the 24 bits that a float holds; at a gain of one they pass exactly.
            *out = (*sum as f32 * gain) as i16;
        }
    }
}

/// The highest sample.
const LOUDEST: i32 = i16::MAX as i32;
/// Where peaks come to lie that were higher: a little below, since gains are rounded.
const TARGET: f32 = 32_760.0;
/// A millisecond: all of the gain comes back within a second.
const RECOVERY: f32 = 0.001;

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::Limiter;

    const BLOCK: usize = 320;

    fn limited(limiter: &mut Limiter, sums: &[i32]) -> Vec<i16> {
        let mut out = vec![0; sums.len()];
        for (sums, out) in sums.chunks(BLOCK).zip(out.chunks_mut(BLOCK)) {
            limiter.begin();
            limiter.see(sums);
            limiter.settle();
            limiter.put(sums, out);
        }
        out
    }

    #[test]
    fn what_fits_passes_exactly() {
        let sums: Vec<i32> = (-32_768..32_768).collect();
        let out = limited(&mut Limiter::new(16_000, BLOCK), &sums);
        assert!(out.iter().zip(&sums).all(|(out, sum)| i32::from(*out) == *sum));
    }

    #[test]
    fn a_sudden_peak_anywhere_in_a_block_is_neither_wrapped_nor_cut() {
        for start in 0..BLOCK {
            let tone = |sample: usize| (163_840.0 * (TAU * sample as f64 / 40.0).sin()) as i32;
            let sums: Vec<i32> = (0..640).map(|at| if at < start { 0 } else { tone(at - start) }).collect();
            let out = limited(&mut Limiter::new(16_000, BLOCK), &sums);
            for (at, (sum, out)) in sums.iter().zip(&out).enumerate() {
                assert!(sum.signum() * i32::from(out.signum()) >= 0, "{start} {at}: {sum} became {out}");
                assert!(i32::from(out.unsigned_abs()) <= 32_761, "{start} {at}: {out}");
            }
            let flat = out
                .windows(3)
                .filter(|three| three[0].unsigned_abs() > 32_000 && three[0] == three[1] && three[1] == three[2]);
            assert_eq!(flat.count(), 0, "{start}");
        }
    }

    #[test]
    fn all_of_the_gain_comes_back_within_a_second() {
        let mut limiter = Limiter::new(16_000, BLOCK);
        limited(&mut limiter, &[150_000; BLOCK]);
        let quiet = vec![10_000; 16_000 + BLOCK];
        let out = limited(&mut limiter, &quiet);
        assert!(out[0] < 3000 && out.windows(2).all(|two| two[0] <= two[1]));
        assert_eq!(out[16_000..], [10_000; BLOCK]);
    }
}
