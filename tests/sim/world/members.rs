//! What comes to phones, proxies and shards, and what they do then.

use super::{Coming, World};
use crate::address::PUBLIC;
use crate::members::Datagrams;
use call::{Output, Query};
use proxy::edge::{self, Arrival, Edge, Face, Outbox};
use sip::hop::{Hop, Transport};
use sip::token::{Flow, FlowEnd};
use std::net::SocketAddr;

impl World {
    pub(super) fn deliver(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let (now, wall, hop) = (self.now, self.wall(), Hop::new(Transport::Udp, from));
        if to == PUBLIC {
            let live = self.cluster.proxies.iter().enumerate().filter(|(_, proxy)| proxy.edge.is_some());
            let live: Vec<usize> = live.map(|(index, _)| index).collect();
            let Some(index) = live.get(self.random.number() as usize % live.len().max(1)).copied() else { return };
            self.taken.push((index, bytes.into()));
            let id = self.cluster.proxies[index].id;
            let flow = Flow { proxy: id, transport: Transport::Udp, listener: 0, end: FlowEnd::Peer(from) };
            let arrival = Arrival { face: Face::Public(flow), peer: from };
            self.with_edge(index, |edge, out| edge.handle_message(now, wall, &arrival, bytes, &Datagrams, out));
        } else if let Some(index) = self.cluster.proxies.iter().position(|proxy| proxy.inside == to) {
            let arrival = Arrival { face: Face::Inside(hop), peer: from };
            self.with_edge(index, |edge, out| edge.handle_message(now, wall, &arrival, bytes, &Datagrams, out));
        } else if let Some(member) = self.cluster.shards.iter_mut().find(|member| member.address == to) {
            if let Some(shard) = &mut member.shard {
                member.heard += 1;
                shard.handle_message(now, wall, hop, bytes, &mut member.ports);
            }
        } else if let Some(phone) = self.phones.iter_mut().find(|phone| phone.external == to) {
            phone.handle_message(now, hop, bytes);
        }
    }

    pub(super) fn with_edge(&mut self, index: usize, act: impl FnOnce(&mut Edge, &mut Outbox)) {
        let proxy = &mut self.cluster.proxies[index];
        let Some(edge) = &mut proxy.edge else { return };
        let (life, inside) = (proxy.life, proxy.inside);
        act(edge, &mut proxy.out);
        let mut out = std::mem::take(&mut proxy.out);
        while let Some(output) = out.poll() {
            match output {
                edge::Output::ToFlow(flow, range) => match flow.end {
                    FlowEnd::Peer(peer) => self.send(PUBLIC, peer, &out.bytes()[range]),
                    FlowEnd::Slot { .. } => panic!("nobody here has a connection"),
                },
                edge::Output::ToHop(hop, range) => self.send(inside, hop.address, &out.bytes()[range]),
                edge::Output::Register(id, request) => {
                    let (view, random) = (self.cluster.proxies[index].view.clone(), self.random.number());
                    let answer = self.cluster.registry.register(&view, self.wall(), *request, random);
                    self.answer(Coming::ToProxy { proxy: index, life, id, answer: edge::Answer::Registered(answer) });
                }
                edge::Output::Locate(id, request) => {
                    let view = self.cluster.proxies[index].view.clone();
                    let answer = self.cluster.registry.locate(&view, self.wall(), &request);
                    self.answer(Coming::ToProxy { proxy: index, life, id, answer: edge::Answer::Located(answer) });
                }
                edge::Output::Close(_) => panic!("nobody here is banned"),
            }
        }
        out.clear();
        self.cluster.proxies[index].out = out;
    }

    /// Sends what phones and shards have to send.
    pub(super) fn flush(&mut self) {
        for index in 0..self.phones.len() {
            self.phones[index].handle_events(self.now);
            while let Some(transmit) = self.phones[index].endpoint.poll_transmit() {
                self.send(self.phones[index].external, transmit.to.address, &transmit.bytes);
            }
        }
        for index in 0..self.cluster.shards.len() {
            loop {
                let member = &mut self.cluster.shards[index];
                let (from, view) = (member.address, member.view.clone());
                match member.shard.as_mut().and_then(|shard| shard.poll_output()) {
                    Some(Output::Transmit(transmit)) => self.send(from, transmit.to.address, &transmit.bytes),
                    Some(Output::Query(id, query)) => {
                        let answer = match query {
                            Query::Locate(request) => {
                                let located = self.cluster.registry.locate(&view, self.wall(), &request);
                                call::Answer::Located(located)
                            }
                            Query::Prompt { .. } | Query::Announcement { .. } => call::Answer::Prompt(None),
                        };
                        self.answer(Coming::ToShard { shard: index, id, answer });
                    }
                    Some(Output::Report(_) | Output::Ordered(_, _) | Output::Log(_)) => {}
                    None => break,
                }
            }
        }
    }
}
