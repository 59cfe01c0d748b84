//! Comfort noise as a phone describes it (RFC 3389).

/// Noise of a level and a spectrum.
pub struct Noise {
    /// Root of the mean square of what drives the filter, now and where it is going.
    drive: f32,
    wanted: f32,
    /// Reflection coefficients, of which `order` are in use.
    reflections: [f32; ORDER],
    order: usize,
    /// The lattice's backward values, one sample ago.
    backward: [f32; ORDER + 1],
    random: u32,
}

impl Default for Noise {
    fn default() -> Noise {
        Noise {
            drive: 0.0,
            wanted: 0.0,
            reflections: [0.0; ORDER],
            order: 0,
            backward: [0.0; ORDER + 1],
            random: 0x2545_f491,
        }
    }
}

impl Noise {
    /// Takes a description: a level in -dBov, then reflection coefficients (RFC 3389 §3); `false`: it is empty.
    pub fn describe(&mut self, payload: &[u8]) -> bool {
        let Some((level, reflections)) = payload.split_first() else { return false };
        self.order = reflections.len().min(ORDER);
        for (reflection, index) in self.reflections.iter_mut().zip(reflections) {
            *reflection = (258.0 * (f32::from(*index) - 127.0) / 32_768.0).clamp(-0.99, 0.99);
        }
        let energy: f32 =
            self.reflections[..self.order].iter().map(|reflection| 1.0 - reflection * reflection).product();
        let strength = 32_768.0 * 10_f32.powf(-f32::from(level & 0x7f) / 20.0);
        self.wanted = strength * energy.sqrt();
        if self.drive == 0.0 {
            self.drive = self.wanted;
        }
        true
    }

    /// Appends so many samples.
    pub fn go_on(&mut self, count: usize, out: &mut Vec<i16>) {
        for _ in 0..count {
            self.drive += (self.wanted - self.drive) / 256.0;
            let mut forward = self.drive * self.white();
            for stage in (0..self.order).rev() {
                let reflection = self.reflections[stage];
                forward -= reflection * self.backward[stage];
                self.backward[stage + 1] = self.backward[stage] + reflection * forward;
            }
            self.backward[0] = forward;
            out.push(forward.round() as i16);
        }
    }

    /// From a flat spectrum, with a mean square of 1.
    fn white(&mut self) -> f32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        (self.random as i32) as f32 / 2_147_483_648.0 * 3_f32.sqrt()
    }
}

/// Coefficients that are heeded; more than ten add nothing to noise.
const ORDER: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ear::pitch::strength;

    fn noise(payload: &[u8]) -> Vec<i16> {
        let (mut noise, mut out) = (Noise::default(), Vec::new());
        assert!(noise.describe(payload));
        noise.go_on(80_000, &mut out);
        out
    }

    #[test]
    fn it_has_the_level_asked_for_whatever_its_spectrum() {
        for level in [20, 40, 60] {
            for reflections in
                [&[][..], &[60], &[200, 90], &[40, 180, 127, 100, 160, 127, 127, 127, 127, 127, 140, 110, 3]]
            {
                let heard = noise(&[&[level], reflections].concat());
                let found = -20.0 * (strength(&heard[8000..]) / 32_768.0).log10();
                assert!((found - f32::from(level)).abs() < 1.0, "{level} {reflections:?}: {found}");
            }
        }
    }

    #[test]
    fn a_negative_first_coefficient_makes_it_dull_and_a_positive_one_shrill() {
        let likeness = |payload: &[u8]| {
            let heard = noise(payload);
            crate::ear::pitch::likeness_of(&heard[1..], &heard[..heard.len() - 1])
        };
        assert!((likeness(&[40, 64]) - 0.5).abs() < 0.05);
        assert!((likeness(&[40, 190]) + 0.5).abs() < 0.05);
        assert!(likeness(&[40, 127]).abs() < 0.05);
    }

    #[test]
    fn an_empty_description_is_none_and_no_bytes_make_it_overflow() {
        let mut noise = Noise::default();
        assert!(!noise.describe(&[]));
        for seed in 0..=255 {
            noise.describe(&[seed; 40]);
            noise.go_on(100, &mut Vec::new());
            assert!(noise.backward.iter().all(|value| value.is_finite()));
        }
    }
}
