//! What the phones of the generator say: sound that costs a codec what speech costs, coded before the measurement.
use codec::{Codec, Encoder, Format, Library};

/// Seconds of sound before it repeats itself.
const SECONDS: usize = 6;

/// Like speech: a voice of changing pitch through two moving resonances, hisses, and pauses between the words.
pub fn speech(rate: usize, seconds: usize) -> Vec<i16> {
    let (mut phase, mut noise) = (0.0_f64, 0x2545_f491_4f6c_dd1d_u64);
    let mut resonances = [Resonance::default(); 2];
    let sample = |n: usize| {
        let t = n as f64 / rate as f64;
        let word = (t * 1.3).fract();
        let syllable = (std::f64::consts::TAU * 4.1 * t).sin().max(0.0).sqrt();
        phase = (phase + (115.0 + 35.0 * (t * 2.3).sin() + 12.0 * (t * 9.0).sin()) / rate as f64).fract();
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let hiss = (noise >> 40) as f64 / (1 << 23) as f64 - 1.0;
        let is_fricative = (t * 2.6).fract() > 0.85;
        // The closing of the glottis: a short pulse rich in harmonics.
        let pulse = if phase < 0.1 { 1.0 - phase * 10.0 } else { -0.05 };
        let source = if is_fricative { 0.25 * hiss } else { pulse + 0.01 * hiss };
        let formants = [(520.0 + 220.0 * (t * 5.1).sin(), 90.0), (1500.0 + 600.0 * (t * 3.7).cos(), 130.0)];
        let voice: f64 =
            resonances.iter_mut().zip(formants).map(|(it, (at, width))| it.step(source, at, width, rate as f64)).sum();
        let loudness = if word < 0.72 { syllable } else { 0.0 };
        (6000.0 * loudness * (0.5 * voice + if is_fricative { source } else { 0.0 }) + 12.0 * hiss)
            .clamp(-32000.0, 32000.0) as i16
    };
    (0..rate * seconds).map(sample).collect()
}

#[derive(Clone, Copy, Default)]
struct Resonance([f64; 2]);

impl Resonance {
    fn step(&mut self, input: f64, at: f64, width: f64, rate: f64) -> f64 {
        let radius = (-std::f64::consts::PI * width / rate).exp();
        let turn = 2.0 * radius * (std::f64::consts::TAU * at / rate).cos();
        let out = (1.0 - radius) * 4.0 * input + turn * self.0[0] - radius * radius * self.0[1];
        self.0 = [out, self.0[0]];
        out
    }
}

/// The packets of the sound in a codec, 20 ms each.
pub fn payloads(codec: Codec) -> Vec<Vec<u8>> {
    let format = Format { codec, payload_type: 0, parameters: codec::Parameters::default() };
    let mut encoder = Encoder::new(&format, codec.rate(), &Library::default()).expect("a codec that is built in");
    let samples = speech(encoder.rate() as usize, SECONDS);
    let mut out = [0; Encoder::LONGEST];
    let frame = encoder.rate() as usize / 50;
    let mut code = |frame| {
        let length = encoder.encode(frame, &mut out);
        out[..length].to_vec()
    };
    samples.chunks_exact(frame).map(&mut code).collect()
}

/// Writes the sound as a WAV file of 16,000 samples a second, for who plays it.
pub fn write(path: &str, seconds: usize) -> std::io::Result<()> {
    const RATE: u32 = 16_000;
    let samples = speech(RATE as usize, seconds);
    let length = samples.len() as u32 * 2;
    let mut file = Vec::with_capacity(44 + length as usize);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + length).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&(RATE * 2).to_le_bytes());
    file.extend_from_slice(b"\x02\0\x10\0data");
    file.extend_from_slice(&length.to_le_bytes());
    samples.iter().for_each(|sample| file.extend_from_slice(&sample.to_le_bytes()));
    std::fs::write(path, file)
}
