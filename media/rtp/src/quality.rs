//! What speech sounds like after its way: the E-model (ITU-T G.107, 06/2015) with its defaults, fed with what was seen of an
//! RTP stream.
//!
//! Only what a network does is weighed: codec, loss and delay. Everything that G.107 says of rooms, microphones and echo
//! stays at its default, as if both telephones were good ones.

use std::time::Duration;

mod codec;

pub use codec::{Codec, Codecs, Impairment};

/// What a stream had to go through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    /// What the speech was coded with.
    pub codec: Codec,
    /// Share of the packets that were lost, 0 to 1, taken as lost independently of each other (BurstR = 1).
    pub loss: f64,
    /// From mouth to ear (Ta of G.107).
    pub delay: Duration,
}

/// How it sounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rating {
    /// The transmission rating factor, 0 (nothing is understood) to [`Rating::BEST`].
    pub r: f64,
    /// Mean opinion score for conversation (MOS-CQE), 1 (bad) to 4.5.
    pub mos: f64,
}

impl Conditions {
    /// The delay from mouth to ear of one packet a frame of 20 ms, which travels for `network` and then waits in a buffer that
    /// is three times as deep as the jitter (RFC 3550 A.8), 20 ms at the least.
    pub fn delay(codec: Codec, network: Duration, jitter: Duration) -> Duration {
        FRAME + codec.impairment().look_ahead + network + (3 * jitter).max(FRAME)
    }

    /// R = Ro − Is − Id − Ie,eff (G.107 §7.1), with A = 0.
    pub fn rating(&self) -> Rating {
        let r = (Rating::BEST - delay_impairment(self.delay) - self.equipment_impairment()).clamp(0.0, 100.0);
        Rating { r, mos: mos(r) }
    }

    /// Ie,eff = Ie + (95 − Ie) · Ppl / (Ppl / BurstR + Bpl) (G.107 §7.5).
    fn equipment_impairment(&self) -> f64 {
        let Impairment { ie, bpl, .. } = self.codec.impairment();
        let percent = 100.0 * self.loss.clamp(0.0, 1.0);
        ie + (95.0 - ie) * percent / (percent + bpl)
    }
}

impl Rating {
    /// R of G.711 without loss or delay and with every other parameter at its default (G.107 §7.7).
    pub const BEST: f64 = 93.2;
}

/// Idd for people of the usual sensitivity to delay: sT = 1, mT = 100 ms (G.107 §7.4).
fn delay_impairment(delay: Duration) -> f64 {
    let hundreds = delay.as_secs_f64() * 10.0;
    if hundreds <= 1.0 {
        return 0.0;
    }
    let x = hundreds.log2();
    let root = |x: f64| (1.0 + x.powi(6)).powf(1.0 / 6.0);
    25.0 * (root(x) - 3.0 * root(x / 3.0) + 2.0)
}

/// MOS of R (G.107 Annex B). The formula dips below 1 for R under 6.5, where nothing is meant by it.
fn mos(r: f64) -> f64 {
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).clamp(1.0, 4.5)
}

const FRAME: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests;
