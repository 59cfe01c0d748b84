//! Which packets of which sources a key has been used for.

mod window;

use window::Window;

/// The sources that share a key, in one direction, for RTP or for RTCP.
///
/// No index of a source is used twice, ever: a replayed packet must not pass, and two different packets must not be
/// encrypted alike. So the [`LIVE`] sources heard last have windows, and of those before them at least the highest
/// index is remembered.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    live: Vec<Source>,
    retired: Vec<Retired>,
    /// Packets taken.
    taken: u64,
}

impl Sources {
    /// Where an RTP packet stands, as its sequence number lets one guess (RFC 3711 appendix A). Changes nothing.
    pub fn place_rtp(&self, ssrc: u32, sequence: u16) -> Result<Place, NoPlace> {
        let slot = self.slot(ssrc);
        let index = self.highest(slot).map_or(u64::from(sequence), |highest| estimate(highest, sequence));
        self.place(slot, ssrc, index, 1 << 48)
    }

    /// Where an RTCP packet of this index stands. Changes nothing.
    pub fn place_rtcp(&self, ssrc: u32, index: u32) -> Result<Place, NoPlace> {
        self.place(self.slot(ssrc), ssrc, u64::from(index), 1 << 31)
    }

    fn place(&self, slot: Slot, ssrc: u32, index: u64, limit: u64) -> Result<Place, NoPlace> {
        if index >= limit || self.taken >= limit {
            return Err(NoPlace::KeyUsedUp);
        }
        let is_new = match slot {
            Slot::Live(at) => self.live[at].window.is_new(index),
            Slot::Retired(at) => index > self.retired[at].highest,
            Slot::Unknown if self.live.len() + self.retired.len() >= EVER => return Err(NoPlace::TooManySources),
            Slot::Unknown => true,
        };
        if is_new { Ok(Place { ssrc, index, slot }) } else { Err(NoPlace::Used) }
    }

    /// Takes the place, which must be the last one asked for. The source that is silent longest may have to retire.
    pub fn take(&mut self, place: Place) {
        self.taken += 1;
        let Place { ssrc, index, slot } = place;
        let window = match slot {
            Slot::Live(at) => {
                let source = &mut self.live[at];
                source.window.add(index);
                source.taken = self.taken;
                return;
            }
            Slot::Retired(at) => {
                // What lies between may have been used before.
                Window::after(self.retired.swap_remove(at).highest, index)
            }
            Slot::Unknown => Window::new(index),
        };
        if self.live.len() >= LIVE {
            let silent = self.live.iter().enumerate().min_by_key(|(_, source)| source.taken);
            let at = silent.map_or(0, |(at, _)| at);
            let source = self.live.swap_remove(at);
            self.retired.push(Retired { highest: source.window.highest(), ssrc: source.ssrc });
        }
        self.live.push(Source { window, taken: self.taken, ssrc });
    }

    fn slot(&self, ssrc: u32) -> Slot {
        if let Some(at) = self.live.iter().position(|source| source.ssrc == ssrc) {
            return Slot::Live(at);
        }
        self.retired.iter().position(|source| source.ssrc == ssrc).map_or(Slot::Unknown, Slot::Retired)
    }

    fn highest(&self, slot: Slot) -> Option<u64> {
        match slot {
            Slot::Live(at) => Some(self.live[at].window.highest()),
            Slot::Retired(at) => Some(self.retired[at].highest),
            Slot::Unknown => None,
        }
    }
}

/// An index that has not been used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub ssrc: u32,
    pub index: u64,
    slot: Slot,
}

/// Why there is no place for a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// Its index was used, or is so old that nobody knows.
    Used,
    /// One source more than a key may have.
    TooManySources,
    /// All indices are used.
    KeyUsedUp,
}

#[derive(Debug, Clone, Copy)]
enum Slot {
    Live(usize),
    Retired(usize),
    Unknown,
}

#[derive(Debug)]
struct Source {
    window: Window,
    /// The count of packets when its last one came.
    taken: u64,
    ssrc: u32,
}

#[derive(Debug)]
struct Retired {
    highest: u64,
    ssrc: u32,
}

/// The index of 48 bits whose end the sequence number is, nearest to the highest so far. Before the first rollover
/// nothing lies before, so that a jump far ahead is one.
fn estimate(highest: u64, sequence: u16) -> u64 {
    let (rollover, last) = (highest >> 16, highest & 0xffff);
    let sequence = u64::from(sequence);
    let guess = if last < HALF && sequence > last + HALF {
        rollover.saturating_sub(1)
    } else if last >= HALF && sequence < last - HALF {
        rollover + 1
    } else {
        rollover
    };
    guess << 16 | sequence
}

const HALF: u64 = 1 << 15;
/// Sources with windows.
const LIVE: usize = 16;
/// Sources that a key may have in its time.
const EVER: usize = 1024;

#[cfg(test)]
mod tests;
