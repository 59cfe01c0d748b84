//! What a worker sends: datagrams collected for the end of the turn, messages on connections, and those to members.

use super::connection::{Connection, Fate, Side};
use super::mailbox::Mail;
use super::sockets::{Datagrams, Token};
use super::table::Place;
use super::{CONNECT, Worker, guarded};
use sip::framing::{Frame, Framer};
use sip::hop::Hop;
use sip::token::{Flow, FlowEnd};
use std::net::TcpStream;
use std::ops::Range;

/// Where a message to be sent lies.
pub(super) enum Bytes<'m> {
    /// In the outbox.
    Collected(Range<usize>),
    /// In another worker's mail.
    Mailed(&'m [u8]),
}

impl Worker {
    /// Over a phone's flow.
    pub(super) fn send_over(&mut self, flow: Flow, range: Range<usize>) {
        match flow.end {
            FlowEnd::Peer(peer) => match self.table.names.udp_listener(flow.listener, peer) {
                Some(listener) => self.sockets.public(listener).queue.push((peer, range)),
                None => self.meters.lost_datagrams.increment(1),
            },
            FlowEnd::Slot { worker, slot, generation } if worker == self.index => {
                self.send_on(Place { slot, generation }, Bytes::Collected(range));
            }
            FlowEnd::Slot { worker, .. } => {
                let message = self.outbox.bytes()[range].to_vec();
                let mailbox = self.mailboxes.get(usize::from(worker));
                if mailbox.is_none_or(|mailbox| mailbox.post(Mail::Send(flow, message)).is_err()) {
                    self.meters.lost_stream.increment(1);
                }
            }
        }
    }

    /// On a connection of this worker.
    pub(super) fn send_on(&mut self, place: Place, bytes: Bytes<'_>) {
        let message = match bytes {
            Bytes::Collected(range) => &self.outbox.bytes()[range],
            Bytes::Mailed(message) => message,
        };
        match self.table.get(place).map(|connection| connection.send(message)) {
            Some(Fate::Open) => self.touched.push(place),
            Some(Fate::Over) => {
                self.meters.closed_backlog.increment(1);
                self.close(place);
            }
            None => self.meters.lost_stream.increment(1),
        }
    }

    /// Over the connection to a member, which is made on demand.
    pub(super) fn send_to_member(&mut self, hop: Hop, range: Range<usize>) {
        let place = match self.members.get(&hop.address) {
            Some(place) => *place,
            None => match net::tcp::connect(hop.address) {
                Ok(stream) => {
                    notice_loss(&stream);
                    let limits = self.limits_of(&Side::Inside(hop));
                    let place = self.insert(Connection::connecting(self.clock.now, stream, hop, limits));
                    self.members.insert(hop.address, place);
                    place
                }
                Err(error) => {
                    tracing::warn!(%hop, %error, "connect");
                    let message = self.outbox.bytes()[range].to_vec();
                    return self.give_back(hop, &message);
                }
            },
        };
        self.send_on(place, Bytes::Collected(range));
    }

    /// Tells the edge of messages that a member could not be given.
    fn give_back(&mut self, hop: Hop, messages: &[u8]) {
        let mut framer = Framer::new();
        framer.push(messages);
        while let Ok(Some(frame)) = framer.next() {
            if let Frame::Message(message) = frame {
                self.meters.undelivered.increment(1);
                let Worker { edge, table, outbox, clock, meters, .. } = self;
                guarded(meters, hop.address, || {
                    edge.handle_undelivered(clock.now, clock.wall, hop, message, table, outbox);
                });
            }
        }
    }

    /// Ends a connection; what was still to be sent to a member is answered for.
    pub(super) fn close(&mut self, place: Place) {
        let Some(mut connection) = self.table.take(place) else { return };
        self.table.remove(place, &connection);
        connection.close();
        match *connection.side() {
            Side::Public { transport, .. } => self.meters.connections(transport).decrement(1.0),
            Side::Inside(hop) => {
                if self.members.get(&hop.address) == Some(&place) {
                    self.members.remove(&hop.address);
                }
                let undelivered = connection.undelivered();
                self.give_back(hop, &undelivered);
            }
        }
    }

    /// Sends what the turn has collected.
    pub(super) fn flush(&mut self) {
        self.carry_out();
        while let Some(place) = self.touched.pop() {
            self.write(place);
            // A connection that breaks may leave something to be answered.
            self.carry_out();
        }
        let Worker { sockets, outbox, meters, .. } = self;
        for Datagrams { socket, queue, .. } in &mut sockets.datagrams {
            if !queue.is_empty() {
                let messages = queue.drain(..).map(|(to, range)| (to, &outbox.bytes()[range]));
                net::send_batch(socket, messages, |to, why| {
                    meters.lost_datagrams.increment(1);
                    tracing::debug!(%to, ?why, "datagram lost");
                });
            }
        }
        self.outbox.clear();
    }

    fn write(&mut self, place: Place) {
        let Some(connection) = self.table.get(place) else { return };
        let before = connection.watched();
        let (fate, watched) = connection.flush();
        if fate == Fate::Over {
            return self.close(place);
        }
        if watched != before {
            let token = Token::Connection { slot: place.slot, generation: place.generation };
            if let Err(error) = self.epoll.modify(connection.stream(), token.to_u64(), watched) {
                tracing::error!(%error, "epoll");
                self.close(place);
            }
        }
    }
}

/// A member whose machine has vanished is noticed, and the connection made anew; without it such a connection would stay.
pub(super) fn notice_loss(stream: &TcpStream) {
    if let Err(error) = net::tcp::notice_loss(stream, CONNECT) {
        tracing::warn!(%error, "TCP keep-alive");
    }
}
