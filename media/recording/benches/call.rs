//! What one second of a recorded call costs, of which each side speaks half the time.

use recording::{Form, Id, Layout, Rate, Segmenter, Settings};
use std::time::Duration;

fn main() {
    divan::main();
}

#[divan::bench(args = [
    (Form::Wav, Layout::Stereo, Rate::Narrow),
    (Form::Wav, Layout::Mixed, Rate::Narrow),
    (Form::Opus, Layout::Stereo, Rate::Narrow),
    (Form::Opus, Layout::Mixed, Rate::Narrow),
    (Form::Opus, Layout::Stereo, Rate::Wide),
], sample_count = 20)]
fn second(bencher: divan::Bencher, (form, layout, rate): (Form, Layout, Rate)) {
    let sides = [speech(rate, 0), speech(rate, 1)];
    let settings = Settings {
        id: Id::parse("bench").expect("it is plain"),
        started: 0,
        rate,
        layout,
        form,
        segment: Duration::from_secs(10),
        about: Default::default(),
    };
    let mut segmenter = Segmenter::new(settings);
    let mut second = 0;
    bencher.bench_local(|| {
        let from = second % SECONDS * rate.hz() as usize;
        second += 1;
        for at in (from..from + rate.hz() as usize).step_by(rate.hz() as usize / 10) {
            let block = at..at + rate.hz() as usize / 10;
            segmenter.push(&sides[0][block.clone()], &sides[1][block]);
        }
        while let Some(segment) = segmenter.poll_segment() {
            divan::black_box(segmenter.keep(segment));
        }
    });
}

/// Something like speech: harmonics of a wandering voice in syllables, with noise, silent every other four seconds.
fn speech(rate: Rate, side: usize) -> Vec<i16> {
    let hz = f64::from(rate.hz());
    let mut noise = 1_u32 + side as u32;
    let (mut phase, count) = (0.0, SECONDS * rate.hz() as usize);
    let sample = |at: usize| {
        let time = at as f64 / hz;
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let hiss = f64::from(noise >> 16) / 65_536.0 - 0.5;
        let pitch = 110.0 + 60.0 * side as f64 + 30.0 * (time * 5.0).sin();
        phase += pitch / hz;
        let voice: f64 = (1..12).map(|n| (std::f64::consts::TAU * phase * f64::from(n)).sin() / f64::from(n)).sum();
        let syllable = (time * 12.0).sin().max(0.0);
        let talks = f64::from(u8::from((time as usize / 4 + side).is_multiple_of(2)));
        (talks * syllable * (voice * 4000.0 + hiss * 1500.0) + hiss * 20.0) as i16
    };
    (0..count).map(sample).collect()
}

const SECONDS: usize = 40;
