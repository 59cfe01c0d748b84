//! RTP as a relay and as a sender of its own sound needs it (RFC 3550): packets read in place, RTCP, statistics of what
//! arrives, latching onto the address it arrives from, continuous streams of our own, digits as events (RFC 4733), how it all sounds
//! (ITU-T G.107).
//!
//! Nothing here allocates on a packet's way, and time comes in as [`Micros`].

mod demux;
mod event;
mod latch;
mod packet;
pub mod quality;
#[cfg(test)]
mod random;
mod reception;
pub mod rtcp;
mod sequencer;
mod time;

pub use demux::Datagram;
pub use event::{DigitPackets, DigitReceiver, DigitSender, Event, EventPacket, Heard};
pub use latch::{Accept, Latch};
pub use packet::{Extension, HEADER_LEN, Header, Packet, PacketError, Ssrc};
pub use reception::{Reception, Statistics};
pub use sequencer::Sequencer;
pub use time::Micros;
