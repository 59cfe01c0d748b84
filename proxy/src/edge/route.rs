//! Route values that are ours, and what of a request is addressed to us.

use super::verdict::{Verdict, reason};
use super::{Face, Passage, PublicName};
use sip::Name;
use sip::headers::NameAddr;
use sip::token::{ContactToken, Flow, FlowEnd};
use sip::uri::{Host, Scheme, Uri};
use std::net::SocketAddr;

/// The leading Route values that are ours: flow tokens, and plain addresses of this proxy as an outbound proxy is configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OwnRoutes {
    /// How many there are.
    pub count: usize,
    /// How many of them are flow tokens.
    pub flows: usize,
    /// The last flow token's flow.
    pub last: Option<Flow>,
    /// Whether other values follow.
    pub foreign: Foreign,
}

/// Whether a Route goes on beyond us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Foreign {
    /// It ends with us.
    #[default]
    None,
    /// Somebody else is next.
    Follows,
}

/// Where a request goes next.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// To a media shard.
    Shard(SocketAddr),
    /// To the proxy that holds the phone's flow.
    Proxy(SocketAddr, Flow),
    /// To a phone, over a flow whose peer knows us by this name.
    Phone(Flow, PublicName),
}

impl<'a> Passage<'a> {
    /// Reads the Route values up to the first one that is not ours (RFC 3261 §16.4).
    pub(super) fn own_routes(&self) -> OwnRoutes {
        let mut routes = OwnRoutes::default();
        for value in self.message.values(Name::Route) {
            let uri = NameAddr::parse(value).ok().and_then(|address| address.uri().ok());
            let flow = uri.and_then(|uri| Flow::open(&self.keys.flow, uri.user?));
            match (flow, uri) {
                (Some(flow), _) => {
                    routes.flows += 1;
                    routes.last = Some(flow);
                }
                (None, Some(uri)) if self.is_own_host(&uri) => {}
                (None, Some(_) | None) => {
                    routes.foreign = Foreign::Follows;
                    break;
                }
            }
            routes.count += 1;
        }
        routes
    }

    /// A request within a dialog tells by its tokens where it goes, and whoever holds them need not be authenticated.
    ///
    /// A second flow token is the other phone's, of a direct call; else the request URI is the Contact that a shard minted.
    pub(super) fn sealed(&self, routes: &OwnRoutes, uri: &Uri<'_>) -> Result<Option<Way>, Verdict<'a>> {
        match routes.last {
            Some(flow) if routes.flows > 1 && self.message.to_tag().is_some() => return self.way_over(flow).map(Some),
            Some(_) | None => {}
        }
        let token = uri.user.filter(|_| self.message.to_tag().is_some());
        let Some(token) = token.and_then(|user| ContactToken::open(&self.keys.contact, user)) else { return Ok(None) };
        match self.membership.shard_address(token.shard) {
            Some(address) => Ok(Some(Way::Shard(address))),
            // The shard is gone, and with it the call.
            None => Err(Verdict::Refused(481, reason(481))),
        }
    }

    /// The way over a flow: this proxy's own, or that of another one.
    ///
    /// Datagrams reach a phone from any proxy if its NAT allows, so a dead proxy's UDP flows are served by whoever is asked;
    /// a connection is gone with its proxy (430, RFC 5626 §5.3).
    pub(super) fn way_over(&self, flow: Flow) -> Result<Way, Verdict<'a>> {
        if let (Face::Public(_), Some(owner)) = (self.arrival.face, self.other_owner(&flow)) {
            return Ok(Way::Proxy(owner, flow));
        }
        let name = match flow.end {
            FlowEnd::Slot { .. } if Some(flow.proxy) != self.view.id() => None,
            FlowEnd::Slot { .. } | FlowEnd::Peer(_) => self.flows.public_name(&flow),
        };
        match name {
            Some(name) => Ok(Way::Phone(flow, name)),
            None => Err(Verdict::FlowGone),
        }
    }

    /// Whether a request URI means the exchange itself and no user of it.
    pub(super) fn is_for_us(&self, uri: &Uri<'_>) -> bool {
        uri.user.is_none() && self.is_own_host(uri)
    }

    fn is_own_host(&self, uri: &Uri<'_>) -> bool {
        let host = uri.host_text;
        let is_named = |own: &String| own.eq_ignore_ascii_case(host);
        matches!(uri.scheme, Scheme::Sip | Scheme::Sips)
            && (host.eq_ignore_ascii_case(&self.settings.cluster)
                || self.directory.domain(host).is_some()
                || self.settings.hosts.iter().any(is_named)
                || uri.host == Host::Ip(self.settings.inside.ip())
                || self.arrival_name().is_some_and(|name| name.host().eq_ignore_ascii_case(host)))
    }

    /// The name by which the sender knows us.
    pub(super) fn arrival_name(&self) -> Option<PublicName> {
        match &self.arrival.face {
            Face::Public(flow) => self.flows.public_name(flow),
            Face::Inside(_) => None,
        }
    }
}
