//! A response goes back to whom our Via names; nothing is looked up.

use super::forward::OURS;
use super::verdict::send;
use super::via::Sender;
use super::{Count, Face, Passage};
use sip::hop::{Hop, Transport};
use sip::token::Flow;
use sip::{Edit, Name};
use std::net::SocketAddr;

impl Passage<'_> {
    /// Takes our Via off and sends the response to the hop that is sealed in it.
    pub(super) fn response(&mut self) {
        let message = self.message;
        self.count(match self.arrival.face {
            Face::Public(_) => Count::PublicResponse,
            Face::Inside(_) => Count::InsideResponse,
        });
        let (call_id, status, peer) = (message.call_id(), message.status(), self.arrival.peer);
        let sender = Sender::open(&self.keys.flow, &message.via());
        let Some(sender) = sender.filter(|_| message.values(Name::Via).nth(1).is_some()) else {
            tracing::debug!(call_id, status, %peer, "stray response");
            return self.count(Count::StrayResponse);
        };
        tracing::debug!(call_id, status, %peer, to = ?sender, "response");
        self.count(Count::ResponseForwarded);
        match sender {
            Sender::Phone(flow) if let Some(owner) = self.other_owner(&flow) => {
                let transport = if flow.transport.is_reliable() { Transport::Tcp } else { Transport::Udp };
                self.out.send_to(Hop::new(transport, owner), |out| out.extend_from_slice(message.bytes()));
            }
            Sender::Phone(_) | Sender::Member(_) => {
                let mut edit = Edit::new(message);
                edit.pop_first_value(Name::Via);
                match (&self.arrival.face, &sender) {
                    (Face::Public(_), _) => {
                        for name in [Name::PAssertedIdentity, Name::PPreferredIdentity, Name::RemotePartyId] {
                            edit.remove(name);
                        }
                        edit.remove_prefixed(OURS);
                    }
                    (Face::Inside(_), Sender::Phone(_)) => edit.remove_prefixed(OURS),
                    (Face::Inside(_), Sender::Member(_)) => {}
                }
                send(self.out, sender, |out| edit.write(out));
            }
        }
    }

    /// The inside face of the live proxy that holds a flow, where that is not this one.
    pub(super) fn other_owner(&self, flow: &Flow) -> Option<SocketAddr> {
        let is_own = Some(flow.proxy) == self.view.id();
        self.membership.member(flow.proxy).filter(|_| !is_own).map(|owner| owner.inside)
    }
}
