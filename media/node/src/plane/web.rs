//! What a leg does besides its media that speaks ICE or DTLS: answers checks, and agrees on keys.

use call::{Begins, Keys, Peer};
use dtls::{Event, Fingerprint, Handshake, Identity, Role};
use std::sync::Arc;
use std::time::Instant;

/// The handshake with the phone at the other end.
pub struct Association {
    peer: Peer,
    /// None: the phone's fingerprint is none that proves anything, so nothing will ever pass.
    handshake: Option<Handshake>,
}

/// What an association has come to.
pub enum Outcome {
    /// SRTP may begin.
    Keys(Keys),
    /// There are no keys, or none any longer.
    Over,
}

impl Association {
    /// Begins.
    pub fn new(identity: &Arc<Identity>, peer: Peer, now: Instant) -> Association {
        let role = match peer.begins {
            Begins::We => Role::Active,
            Begins::They => Role::Passive,
        };
        let handshake = match Fingerprint::parse(&peer.fingerprint) {
            Ok(fingerprint) => Some(Handshake::new(identity, role, fingerprint, now)),
            Err(why) => {
                tracing::warn!(%why, fingerprint = peer.fingerprint, "no handshake for SRTP");
                None
            }
        };
        Association { peer, handshake }
    }

    /// Whether it is the one with this peer and may still come to something, or has; who has begun it once is not asked again.
    pub fn is_with(&self, peer: &Peer) -> bool {
        self.peer.fingerprint == peer.fingerprint && !self.is_over()
    }

    /// There are no keys and will be none.
    pub fn is_over(&self) -> bool {
        self.handshake.as_ref().is_none_or(Handshake::is_over)
    }

    /// Nothing comes of it any more.
    pub fn give_up(&mut self) {
        self.handshake = None;
    }

    pub fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        if let Some(handshake) = &mut self.handshake {
            handshake.handle_datagram(now, datagram);
        }
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some(handshake) = &mut self.handshake {
            handshake.handle_timeout(now);
        }
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.handshake.as_ref()?.poll_timeout()
    }

    /// The next datagram for the phone.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.handshake.as_mut()?.poll_transmit()
    }

    /// What it has come to, once for each change.
    pub fn poll_outcome(&mut self) -> Option<Outcome> {
        Some(match self.handshake.as_mut()?.poll_event()? {
            Event::Keys { inbound, outbound } => Outcome::Keys(Keys { inbound, outbound }),
            Event::Failed(why) => {
                tracing::warn!(%why, "the handshake for SRTP failed");
                Outcome::Over
            }
            Event::Closed => Outcome::Over,
        })
    }
}
