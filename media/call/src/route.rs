//! Which proxy a message toward a phone goes to (RFC 3261 §12.2.1.1, RFC 5626 §5.3).

use crate::turn::Core;
use proto::directory::Target;
use proto::membership::{Member, Role};
use proto::ring;
use proto::wire::Binding;
use sip::dialog::Dialog;
use sip::headers::NameAddr;
use sip::hop::{Hop, Transport};
use sip::message::Message;
use sip::token;
use std::net::SocketAddr;

/// One way to a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flow {
    /// The request URI.
    pub uri: String,
    /// Where the phone registered from.
    pub received: Option<SocketAddr>,
    /// A browser: it takes nothing but ICE and DTLS.
    pub web: bool,
    pub way: Way,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// By what the phone registered: its flow token, and the Path beyond the proxy.
    Registered { token: String, path: Vec<String> },
    /// Through this proxy, which may know the user from a registration that passed through it.
    Remembered(Hop),
    /// To another shard, which serves all who call this target.
    Inside { shard: Hop, target: Target },
}

impl Flow {
    pub(crate) fn of(binding: Binding) -> Flow {
        Flow {
            received: binding.received.parse().ok(),
            web: matches!(binding.transport.as_str(), "ws" | "wss"),
            uri: binding.uri,
            way: Way::Registered { token: binding.flow, path: binding.path },
        }
    }

    /// To the shard that serves this target for all who call it, over a transport like that of the caller; `None`: that is this one, or
    /// it is no such target.
    pub(crate) fn inside(core: &Core, target: &Target, transport: Transport) -> Option<Flow> {
        let (settings, no_call) = (&core.settings, "");
        let key = target.ring_key(no_call);
        let membership = core.view.membership.load();
        let owner = membership.shard_for(&settings.region, key)?;
        if key == no_call || owner == settings.id {
            return None;
        }
        let address = membership.shard_address(owner)?;
        Some(Flow {
            uri: format!("sip:{}@{}", target.kind(), settings.cluster),
            received: Some(address),
            web: false,
            way: Way::Inside { shard: Hop::new(inside(transport), address), target: target.clone() },
        })
    }

    /// Where an INVITE for it goes; `None`: nobody reaches the phone that way.
    pub(crate) fn hop(&self, core: &Core) -> Option<Hop> {
        match &self.way {
            Way::Registered { token, .. } => flow_hop(core, token),
            Way::Remembered(hop) | Way::Inside { shard: hop, .. } => Some(*hop),
        }
    }
}

/// The proxy that holds the flow of this token; any other one of the region where it is gone and the flow needs no connection.
/// `None`: nobody reaches the phone that way, or the token is not ours.
fn flow_hop(core: &Core, token: &str) -> Option<Hop> {
    let flow = token::Flow::open(&core.view.keys.load().flow, token)?;
    let membership = core.view.membership.load();
    let holder = membership.member(flow.proxy).filter(|member| member.role == Role::Proxy);
    let address = match holder {
        Some(proxy) => proxy.inside,
        None if flow.transport.is_reliable() => return None,
        None => {
            let proxies: Vec<&Member> = membership.proxies(&core.settings.region).collect();
            // The same one for every message of the flow.
            proxies.get((ring::hash(token.as_bytes()) % proxies.len().max(1) as u64) as usize)?.inside
        }
    };
    Some(Hop::new(inside(flow.transport), address))
}

/// Every live proxy of the region, over the transport that the call came in by.
pub(crate) fn proxies(core: &Core, transport: Transport) -> Vec<Hop> {
    let membership = core.view.membership.load();
    membership.proxies(&core.settings.region).map(|proxy| Hop::new(inside(transport), proxy.inside)).collect()
}

/// Where the next request of a dialog goes: to the proxy in its topmost route, else where its last message came from.
pub(crate) fn next_hop(core: &Core, dialog: &Dialog, last: Hop) -> Hop {
    let top = dialog.route_set.first().and_then(|route| NameAddr::parse(route).ok());
    let token = top.and_then(|route| route.uri().ok()).and_then(|uri| uri.user);
    token.and_then(|token| flow_hop(core, token)).unwrap_or(last)
}

/// Where a message is sent: to another live proxy of the region where its own is gone. Any proxy has the keys to pass a request on to
/// its flow, and a response to whom our Via names; connections that are gone are their owner's to report.
pub(crate) fn reroute(core: &Core, to: Hop) -> Hop {
    let membership = core.view.membership.load();
    if to.transport.is_reliable() || membership.has_address(to.address) {
        return to;
    }
    let proxies: Vec<&Member> = membership.proxies(&core.settings.region).collect();
    let index = ring::hash(to.address.to_string().as_bytes()) % proxies.len().max(1) as u64;
    proxies.get(index as usize).map_or(to, |proxy| Hop::new(to.transport, proxy.inside))
}

/// A phone is reached from now on where its newest request came from: its NAT may have given it another port, or it has connected
/// anew. Its proxy has sealed that flow into its Via, as the first of our routes has the one before.
pub(crate) fn follow(core: &Core, dialog: &mut Dialog, request: &Message<'_>) {
    let keys = core.view.keys.load();
    let is_flow = |token: &str| token::Flow::open(&keys.flow, token).is_some();
    let via = request.via();
    let Some(token) = via.param(SENDER).filter(|token| is_flow(token)) else { return };
    let Some(route) = dialog.route_set.first_mut() else { return };
    let before = NameAddr::parse(route).ok().and_then(|route| route.uri().ok()?.user);
    if let Some(before) = before.filter(|before| is_flow(before) && *before != token) {
        *route = route.replacen(before, token, 1);
    }
}

/// The Via parameter in which a proxy seals who sent a request.
const SENDER: &str = "f";

/// What comes over a reliable transport stays on one inside the cluster, what comes over UDP stays on UDP.
fn inside(transport: Transport) -> Transport {
    if transport.is_reliable() { Transport::Tcp } else { Transport::Udp }
}
