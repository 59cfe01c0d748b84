//! The recursive filters: prediction polynomials and the high-pass of both ends.

/// Order of the linear prediction (RFC 3951 §3.2).
pub const ORDER: usize = 10;

/// A(z), a prediction polynomial: the coefficients of z⁰ (always 1) to z⁻¹⁰.
pub type Lpc = [f32; ORDER + 1];

/// The polynomial that filters nothing.
pub const FLAT: Lpc = {
    let mut flat = [0.0; ORDER + 1];
    flat[0] = 1.0;
    flat
};

/// A(z / factor): moves the roots towards the origin, which widens the formants (RFC 3951 §3.2.2).
pub fn expand_bandwidth(lpc: &Lpc, factor: f32) -> Lpc {
    let mut power = 1.0;
    lpc.map(|coefficient| {
        let expanded = coefficient * power;
        power *= factor;
        expanded
    })
}

/// The last ten samples that a filter has to remember, newest first.
#[derive(Clone, Debug, Default)]
pub struct Memory([f32; ORDER]);

impl Memory {
    /// Filters `signal` through A(z) in place; remembers its input.
    pub fn analyse(&mut self, lpc: &Lpc, signal: &mut [f32]) {
        for sample in signal {
            let input = *sample;
            *sample += self.weigh(lpc);
            self.push(input);
        }
    }

    /// Filters `signal` through 1/A(z) in place; remembers its output.
    pub fn synthesise(&mut self, lpc: &Lpc, signal: &mut [f32]) {
        for sample in signal {
            *sample -= self.weigh(lpc);
            self.push(*sample);
        }
    }

    /// What A(z) adds to the next sample.
    pub fn weigh(&self, lpc: &Lpc) -> f32 {
        self.0.iter().zip(&lpc[1..]).map(|(sample, coefficient)| sample * coefficient).sum()
    }

    pub fn push(&mut self, sample: f32) {
        self.0.copy_within(..ORDER - 1, 1);
        self.0[0] = sample;
    }
}

/// A high-pass of second order.
#[derive(Clone, Debug)]
pub struct HighPass {
    zeros: [f32; 3],
    poles: [f32; 2],
    inputs: [f32; 2],
    outputs: [f32; 2],
}

impl HighPass {
    /// The encoder's, which removes what is below 90 Hz (RFC 3951 §3.1).
    pub const fn input() -> Self {
        Self::new([0.927_274_4, -1.854_494_1, 0.927_274_4], [-1.905_946_5, 0.911_402_4])
    }

    /// The decoder's, which removes what is below 65 Hz (RFC 3951 §4.8).
    pub const fn output() -> Self {
        Self::new([0.939_805_8, -1.879_583_4, 0.939_805_8], [-1.933_073_5, 0.935_892])
    }

    const fn new(zeros: [f32; 3], poles: [f32; 2]) -> Self {
        HighPass { zeros, poles, inputs: [0.0; 2], outputs: [0.0; 2] }
    }

    pub fn filter(&mut self, input: f32) -> f32 {
        let output = self.zeros[0] * input + self.zeros[1] * self.inputs[0] + self.zeros[2] * self.inputs[1]
            - self.poles[0] * self.outputs[0]
            - self.poles[1] * self.outputs[1];
        self.inputs = [input, self.inputs[0]];
        self.outputs = [output, self.outputs[0]];
        output
    }
}

/// Σ aᵢ·bᵢ over the shorter of both, in eight lanes that the compiler can keep in one register.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let length = a.len().min(b.len());
    let (a, a_rest) = a[..length].as_chunks::<8>();
    let (b, b_rest) = b[..length].as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

/// Σ aᵢ².
pub fn energy(a: &[f32]) -> f32 {
    dot(a, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthesis_undoes_analysis() {
        let lpc = [1.0, -1.2, 0.5, 0.1, -0.05, 0.0, 0.02, 0.0, 0.01, 0.0, -0.01];
        let signal: Vec<f32> = (0..80).map(|n| ((n * 37) % 101) as f32 - 50.0).collect();
        let mut filtered = signal.clone();
        Memory::default().analyse(&lpc, &mut filtered);
        assert!(filtered.iter().zip(&signal).any(|(a, b)| (a - b).abs() > 1.0));
        Memory::default().synthesise(&lpc, &mut filtered);
        for (a, b) in filtered.iter().zip(&signal) {
            assert!((a - b).abs() < 1e-2, "{a} instead of {b}");
        }
    }

    #[test]
    fn the_high_pass_removes_direct_current_and_keeps_speech() {
        for mut filter in [HighPass::input(), HighPass::output()] {
            let direct = (0..4000).map(|_| filter.filter(1000.0)).last().expect("4000 samples");
            assert!(direct.abs() < 15.0, "{direct}");
        }
        for mut filter in [HighPass::input(), HighPass::output()] {
            let tone = (0..8000).map(|n| filter.filter((n as f32 * std::f32::consts::FRAC_PI_4).sin()));
            let peak = tone.skip(4000).fold(0.0f32, |peak, sample| peak.max(sample.abs()));
            assert!((0.96..1.04).contains(&peak), "{peak}");
        }
    }
}
