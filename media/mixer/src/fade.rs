//! Changes of loudness that take one block, along half a period of a cosine: neither they nor their slope jump.

use std::f64::consts::PI;

/// The way from silence to full loudness, one gain a sample of a block.
#[derive(Debug)]
pub(crate) struct Fade {
    /// In 1/32768, rising.
    gains: Vec<i32>,
}

impl Fade {
    pub fn new(block: usize) -> Fade {
        let rise = |sample| 0.5 - 0.5 * (PI * (sample as f64 + 0.5) / block as f64).cos();
        Fade { gains: (0..block).map(|sample| (rise(sample) * f64::from(ONE)).round() as i32).collect() }
    }

    /// From silence to full loudness.
    pub fn rise(&self, block: &mut [i16]) {
        self.between(0, ONE, block);
    }

    /// From full loudness to silence.
    pub fn fall(&self, block: &mut [i16]) {
        self.between(ONE, 0, block);
    }

    /// From one gain to another, both in 1/32768 and at most [`ONE`].
    pub fn between(&self, from: i32, to: i32, block: &mut [i16]) {
        for (sample, gain) in block.iter_mut().zip(&self.gains) {
            *sample = scaled(*sample, from + (((to - from) * gain) >> 15));
        }
    }

    /// Samples over which [`Fade::at_edge`] rises: a quarter of a block.
    pub fn edge(&self) -> usize {
        self.gains.len() / 4
    }

    /// The gain of a sample that lies so many samples from an end of a sound, over the quarter of a block.
    pub fn at_edge(&self, distance: usize) -> i32 {
        self.gains.get(4 * distance + 2).copied().unwrap_or(ONE)
    }
}

/// A sample at a gain of at most [`ONE`], rounded.
pub(crate) fn scaled(sample: i16, gain: i32) -> i16 {
    ((i32::from(sample) * gain + ONE / 2) >> 15) as i16
}

/// Full loudness.
pub(crate) const ONE: i32 = 1 << 15;
