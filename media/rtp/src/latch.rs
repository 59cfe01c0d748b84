//! Where a phone's media really comes from. Behind a NAT that is not what its SDP says.

use std::net::SocketAddr;
use std::time::Duration;

use crate::Micros;

/// Latches onto the first source that sends, then guards it.
///
/// For [`Latch::WINDOW`] after each negotiation the source may still be changed: by one that is more like the announced
/// address, or by any other once the present one has been quiet for [`Latch::QUIET`]. Afterwards only the announced
/// address itself may take the place of another; packets from elsewhere are foreign.
///
/// Addresses are compared as given: an IPv4 peer of an IPv6 socket must come in as IPv4.
#[derive(Debug, Clone)]
pub struct Latch {
    announced: Option<SocketAddr>,
    source: Option<SocketAddr>,
    heard: Micros,
    open_until: Micros,
    foreign: u64,
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// From the phone.
    Yes,
    /// From the phone, whose address is new: what goes to it goes there from now on.
    Relatched,
    /// From elsewhere: to be dropped.
    Foreign,
}

impl Latch {
    /// How long after a negotiation a source may be replaced.
    pub const WINDOW: Duration = Duration::from_secs(3);
    /// How long a source must have been silent before an equal one replaces it within the window.
    pub const QUIET: Duration = Duration::from_millis(200);

    /// `announced` is the address of the SDP, if it has one.
    pub fn new(now: Micros, announced: Option<SocketAddr>) -> Latch {
        Latch { announced, source: None, heard: now, open_until: now.after(Latch::WINDOW), foreign: 0 }
    }

    /// A new offer and answer: another announced address forgets the source, the same one keeps it; both reopen the
    /// window.
    pub fn restart(&mut self, now: Micros, announced: Option<SocketAddr>) {
        if self.announced != announced {
            self.source = None;
        }
        self.announced = announced;
        self.open_until = now.after(Latch::WINDOW);
    }

    /// Judges a packet by its source.
    pub fn accept(&mut self, now: Micros, from: SocketAddr) -> Accept {
        match self.source {
            Some(source) if source == from => {
                self.heard = now;
                return Accept::Yes;
            }
            Some(source) if !self.replaces(now, source, from) => {
                self.foreign += 1;
                return Accept::Foreign;
            }
            Some(_) | None => {}
        }
        // A phone that answers late, or speaks late, has its chance to correct itself too.
        if self.source.is_none() {
            self.open_until = self.open_until.max(now.after(Latch::QUIET));
        }
        let before = self.target();
        self.source = Some(from);
        self.heard = now;
        if before == Some(from) { Accept::Yes } else { Accept::Relatched }
    }

    fn replaces(&self, now: Micros, source: SocketAddr, from: SocketAddr) -> bool {
        if self.announced == Some(from) {
            return true;
        }
        let quiet = now >= self.heard.after(Latch::QUIET);
        now < self.open_until
            && (self.likeness(from) > self.likeness(source) || quiet && self.announced != Some(source))
    }

    fn likeness(&self, address: SocketAddr) -> u8 {
        match self.announced {
            Some(announced) if announced == address => 2,
            Some(announced) if announced.ip() == address.ip() => 1,
            Some(_) | None => 0,
        }
    }

    /// Where to send: the source, before it is known the announced address.
    pub fn target(&self) -> Option<SocketAddr> {
        self.source.or(self.announced)
    }

    /// The source latched onto.
    pub fn source(&self) -> Option<SocketAddr> {
        self.source
    }

    /// Packets that came from elsewhere.
    pub fn foreign(&self) -> u64 {
        self.foreign
    }
}

#[cfg(test)]
mod tests;
