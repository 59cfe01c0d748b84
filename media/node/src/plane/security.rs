//! What stands between a protected leg and the rest of a call, which hears and says plain packets.

use call::Keys;
use rtp::Datagram;
use srtp::{Inbound, Outbound};

/// The contexts of one leg, both ways.
pub struct Security {
    keys: Keys,
    inbound: Inbound,
    outbound: Outbound,
}

/// A datagram that no protected leg takes or says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

impl Security {
    pub fn new(keys: Keys) -> Security {
        Security { keys, inbound: Inbound::new(&keys.inbound), outbound: Outbound::new(&keys.outbound) }
    }

    /// Takes other keys. A direction whose key stays keeps its counters: to begin them again under the same key would encrypt two packets
    /// alike.
    pub fn renew(&mut self, keys: Keys) {
        if self.keys.inbound != keys.inbound {
            self.inbound = Inbound::new(&keys.inbound);
        }
        if self.keys.outbound != keys.outbound {
            self.outbound = Outbound::new(&keys.outbound);
        }
        self.keys = keys;
    }

    /// Opens what the phone sent, in place; returns the length of what is left.
    pub fn open(&mut self, kind: Datagram, datagram: &mut [u8]) -> Result<usize, Stopped> {
        match kind {
            Datagram::Rtp => self.inbound.open_rtp(datagram).map_err(|_| Stopped),
            Datagram::Rtcp => self.inbound.open_rtcp(datagram).map_err(|_| Stopped),
            _ => Err(Stopped),
        }
    }

    /// Protects the first `length` bytes of `buffer` in place; returns the new length.
    pub fn protect(&mut self, kind: Datagram, buffer: &mut [u8], length: usize) -> Result<usize, Stopped> {
        match kind {
            Datagram::Rtp => self.outbound.protect_rtp(buffer, length).map_err(|_| Stopped),
            Datagram::Rtcp => self.outbound.protect_rtcp(buffer, length).map_err(|_| Stopped),
            _ => Err(Stopped),
        }
    }
}
