//! The eight frequencies of keys in overlapping frames of 10 ms.

use std::f64::consts::TAU;
use std::sync::LazyLock;

use super::HERTZ;

/// What turns samples into frames at one rate.
pub(super) struct Bank {
    /// One for each sample of a hop: half a frame.
    rows: Vec<Row>,
}

/// A sample belongs to two frames: to the rising half of the newer one and to the falling half of the older one.
struct Row {
    rising: Taps,
    falling: Taps,
}

#[derive(Clone, Copy)]
struct Taps {
    /// The window times eight cosines and eight sines.
    lines: [f32; 16],
    /// The window's square.
    power: f32,
}

/// A frame that is being filled.
#[derive(Debug, Clone, Copy, Default)]
struct Filling {
    lines: [f32; 16],
    power: f32,
}

/// A sound's frames so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Frames {
    older: Filling,
    newer: Filling,
    /// Samples of the hop that have come.
    at: usize,
}

/// What 10 ms of sound hold. Powers are squares of peaks, in samples.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Frame {
    lines: [f32; 16],
    /// Of each frequency.
    pub at: [f32; 8],
    /// Of everything: a pair of tones alone has this as the sum of its two.
    pub whole: f32,
}

impl Bank {
    /// The bank of a rate that there is one for.
    pub fn of(rate: u32) -> Option<&'static Bank> {
        static NARROW: LazyLock<Bank> = LazyLock::new(|| Bank::new(8000));
        static WIDE: LazyLock<Bank> = LazyLock::new(|| Bank::new(16_000));
        match rate {
            8000 => Some(&NARROW),
            16_000 => Some(&WIDE),
            _ => None,
        }
    }

    fn new(rate: u32) -> Bank {
        let hop = (rate / HOPS) as usize;
        // Hann's window: 268 Hz away, where the other group begins, it has sunk by 31 dB.
        let window = |place: usize| 0.5 - 0.5 * (TAU * (place as f64 + 0.5) / (2 * hop) as f64).cos();
        let sum: f64 = (0..2 * hop).map(window).sum();
        let squares: f64 = (0..2 * hop).map(|place| window(place).powi(2)).sum();
        let taps = |place: usize| {
            let mut lines = [0.0; 16];
            for (line, hertz) in HERTZ.iter().enumerate() {
                let (sine, cosine) = (TAU * f64::from(*hertz) * place as f64 / f64::from(rate)).sin_cos();
                let weight = 2.0 * window(place) / sum;
                (lines[line], lines[8 + line]) = ((weight * cosine) as f32, (-weight * sine) as f32);
            }
            Taps { lines, power: (2.0 * window(place).powi(2) / squares) as f32 }
        };
        Bank { rows: (0..hop).map(|place| Row { rising: taps(place), falling: taps(hop + place) }).collect() }
    }

    /// Samples from one frame to the next.
    pub fn hop(&self) -> usize {
        self.rows.len()
    }
}

impl Frames {
    /// Takes samples up to the end of a frame. Gives what is left of them, and the frame if it is complete.
    pub fn take<'s>(&mut self, bank: &Bank, samples: &'s [i16]) -> (&'s [i16], Option<Frame>) {
        let (now, rest) = samples.split_at(samples.len().min(bank.hop() - self.at));
        let (mut older, mut newer) = (self.older, self.newer);
        for (sample, row) in now.iter().zip(&bank.rows[self.at..]) {
            let sample = f32::from(*sample);
            older.add(sample, &row.falling);
            newer.add(sample, &row.rising);
        }
        self.at += now.len();
        if self.at < bank.hop() {
            (self.older, self.newer) = (older, newer);
            return (rest, None);
        }
        *self = Frames { older: newer, newer: Filling::default(), at: 0 };
        (rest, Some(older.frame()))
    }
}

impl Filling {
    fn add(&mut self, sample: f32, taps: &Taps) {
        for (line, tap) in self.lines.iter_mut().zip(&taps.lines) {
            *line += sample * tap;
        }
        self.power += sample * sample * taps.power;
    }

    fn frame(self) -> Frame {
        let lines = self.lines;
        let at = std::array::from_fn(|line| lines[line] * lines[line] + lines[8 + line] * lines[8 + line]);
        Frame { lines, at, whole: self.power }
    }
}

impl Frame {
    /// How a line turned from the frame before to this one, beyond what its own frequency turns; as long as the power.
    pub fn turn(&self, before: &Frame, line: usize) -> Turn {
        let (re, im) = (self.lines[line], self.lines[8 + line]);
        let (was_re, was_im) = (before.lines[line], before.lines[8 + line]);
        let (across_re, across_im) = (re * was_re + im * was_im, im * was_re - re * was_im);
        let (sine, cosine) = EXPECTED[line];
        Turn { re: across_re * cosine + across_im * sine, im: across_im * cosine - across_re * sine }
    }
}

/// A turn of a line, or the sum of many.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Turn {
    re: f32,
    im: f32,
}

impl Turn {
    /// By how many Hz the tone lies above the line's frequency; within 100 Hz.
    pub fn hertz(self) -> f32 {
        self.im.atan2(self.re) * (HOPS as f32 / std::f32::consts::TAU)
    }
}

impl std::iter::Sum for Turn {
    fn sum<I: Iterator<Item = Turn>>(turns: I) -> Turn {
        turns.fold(Turn::default(), |sum, turn| Turn { re: sum.re + turn.re, im: sum.im + turn.im })
    }
}

/// Sine and cosine of what each frequency turns in a hop.
static EXPECTED: LazyLock<[(f32, f32); 8]> =
    LazyLock::new(|| HERTZ.map(|hertz| (std::f32::consts::TAU * (hertz / HOPS as f32).fract()).sin_cos()));

/// Frames begun in a second.
const HOPS: u32 = 200;
