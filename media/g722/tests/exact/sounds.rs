use std::f64::consts::TAU;

/// Numbers from a seed.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }
}

/// A sine of 16,000 samples a half.
pub fn sine(frequency: f64, amplitude: f64, samples: usize) -> Vec<i16> {
    (0..samples).map(|i| (amplitude * (TAU * frequency * i as f64 / 16_000.0).sin()) as i16).collect()
}

/// Noise whose loudness is a power of two below full scale.
pub fn noise(seed: u64, quieter: u32, samples: usize) -> Vec<i16> {
    let mut random = Random(seed);
    (0..samples).map(|_| random.next() as u16 as i16 >> quieter).collect()
}

/// Something like speech: harmonics of a voice that glides, under vowels that swell and fade, with hisses and pauses.
pub fn speech(seed: u64, samples: usize) -> Vec<i16> {
    let (mut random, mut phase) = (Random(seed), 0.0);
    let sample = |i: usize| {
        let time = i as f64 / 16_000.0;
        phase += TAU * (130.0 + 60.0 * (time * 2.1).sin()) / 16_000.0;
        let formant = 600.0 + 500.0 * (time * 5.3).sin();
        let hiss = f64::from(random.next() as u16 as i16) * (time * 3.7).sin().powi(16) * 0.2;
        let voice: f64 = (1..40)
            .map(|n| (f64::from(n) * phase).sin() / (1.0 + ((f64::from(n) * 150.0 - formant) / 300.0).powi(2)))
            .sum();
        let envelope = ((time * 8.0).sin() + 0.3).max(0.0);
        (voice * envelope * 4000.0 + hiss) as i16
    };
    (0..samples).map(sample).collect()
}

/// A sweep from 50 Hz to 7900 Hz.
pub fn sweep(amplitude: f64, samples: usize) -> Vec<i16> {
    let mut phase = 0.0;
    (0..samples)
        .map(|i| {
            phase += TAU * (50.0 + 7850.0 * i as f64 / samples as f64) / 16_000.0;
            (amplitude * f64::sin(phase)) as i16
        })
        .collect()
}

/// Ends of the range only, turned about at random: no filter bank can make more of it.
pub fn extremes(seed: u64, samples: usize) -> Vec<i16> {
    let mut random = Random(seed);
    let mut value = i16::MAX;
    (0..samples)
        .map(|_| {
            if random.next().is_multiple_of(3) {
                value = !value;
            }
            value
        })
        .collect()
}

/// Everything with its name; the seed is in the name of what is made of one.
pub fn all() -> Vec<(String, Vec<i16>)> {
    let half = 8000;
    let mut sounds = vec![
        ("silence".to_owned(), vec![0; half]),
        ("one step above silence".to_owned(), vec![1; half]),
        ("top of the range".to_owned(), vec![i16::MAX; half]),
        ("bottom of the range".to_owned(), vec![i16::MIN; half]),
        ("sweep".to_owned(), sweep(12_000.0, 4 * half)),
        ("sweep at full scale".to_owned(), sweep(32_767.0, 4 * half)),
        ("impulses".to_owned(), (0..half).map(|i| if i % 397 == 0 { 30_000 } else { 0 }).collect()),
    ];
    for frequency in [50.0, 440.0, 1004.5, 3999.0, 6000.0, 7900.0] {
        for amplitude in [3.0, 300.0, 10_000.0, 32_767.0] {
            sounds.push((format!("{frequency} Hz at {amplitude}"), sine(frequency, amplitude, half)));
        }
    }
    for seed in 1..3 {
        sounds.push((format!("speech, seed {seed}"), speech(seed, 4 * half)));
        for quieter in [0, 1, 3, 8, 12] {
            sounds.push((format!("noise of 1/{}, seed {seed}", 1 << quieter), noise(seed, quieter, half)));
        }
        sounds.push((format!("extremes, seed {seed}"), extremes(seed, half)));
    }
    sounds
}
