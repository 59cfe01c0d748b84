//! Hands a request on: Via, Record-Route, Max-Forwards, and what must not pass a face (RFC 3261 §16.6).

use super::orient::Caller;
use super::route::{OwnRoutes, Way};
use super::verdict::{Verdict, reason};
use super::via::{Sender, Stamped};
use super::{Count, Face, Passage, Passed, PublicName};
use proto::directory::{Target, User};
use sip::headers::AuthValue;
use sip::hop::{Hop, Transport};
use sip::token::{Flow, FlowEnd};
use sip::uri::{Host, Uri};
use sip::{Edit, Method, Name};
use std::fmt;
use std::net::SocketAddr;

/// What becomes different in a request besides what always does.
#[derive(Clone, Copy, Default)]
pub(super) struct Change<'c> {
    /// Own Route values that go, from the top.
    pop: usize,
    /// A direct call to this contact begins.
    contact: Option<&'c Passed>,
    /// Who calls, to be asserted.
    caller: Option<&'c Caller>,
    /// What was dialled, for a media node.
    target: Option<&'c Target>,
}

impl Change<'_> {
    /// Only our Route values go.
    pub fn straight_on(routes: &OwnRoutes) -> Self {
        Change { pop: routes.count, ..Change::default() }
    }
}

/// Max-Forwards of a request that has none (RFC 3261 §16.6 step 3).
const MAX_FORWARDS: u8 = 70;

impl<'a> Passage<'a> {
    /// To the media shard that owns the Call-ID, with who calls and what for where that is known.
    pub(super) fn give_to_shard(
        &mut self,
        call: Option<(&Caller, &Target)>,
        routes: &OwnRoutes,
    ) -> Result<(), Verdict<'a>> {
        let (caller, target) = call.unzip();
        let call_id = self.message.call_id();
        let key = target.map_or(call_id, |target| target.ring_key(call_id));
        // Who is in one room is in one region.
        let located = self.directory.region_of(self.arrival.peer.ip()).filter(|_| key == call_id);
        let located = located.and_then(|region| self.membership.shard_for(&region.name, key));
        let shard = located.or_else(|| self.membership.shard_for(&self.settings.region, key));
        let Some(address) = shard.and_then(|shard| self.membership.shard_address(shard)) else {
            return Err(Verdict::RetryLater);
        };
        self.forward(Way::Shard(address), Change { caller, target, ..Change::straight_on(routes) })
    }

    /// To a phone or its proxy, without a media node: a direct call.
    pub(super) fn relay(&mut self, way: Way, contact: &Passed, caller: &Caller) -> Result<(), Verdict<'a>> {
        self.count(Count::DirectForwarded);
        let change = Change { contact: Some(contact), caller: Some(caller), ..Change::straight_on(&self.own_routes()) };
        self.forward(way, change)
    }

    /// To the phone that registered through this proxy: what a shard asks for when no registry tells it more.
    pub(super) fn give_to_passed(&mut self, uri: &Uri<'_>, routes: &OwnRoutes) -> Result<(), Verdict<'a>> {
        let domain = self.directory.domain(uri.host_text);
        let user = domain.and_then(|domain| self.directory.user_in(domain, &uri.user_decoded()));
        let aor = user.map(|user| self.directory.aor(user));
        let contact = aor.and_then(|aor| self.memory.passed.newest(self.wall.seconds(), &aor));
        let Some(contact) = contact else { return Err(Verdict::Refused(480, reason(480))) };
        let way = self.way_over(contact.flow)?;
        self.forward(way, Change { contact: Some(&contact), ..Change::straight_on(routes) })
    }

    /// Writes the request as it goes out and says where to.
    pub(super) fn forward(&mut self, way: Way, change: Change<'_>) -> Result<(), Verdict<'a>> {
        let message = self.message;
        let _span = match (self.arrival.face, message.method()) {
            (Face::Public(_), Method::Invite) => {
                trace::call_span(message.call_id(), "proxy INVITE", message.request_uri()).entered()
            }
            _ => tracing::Span::none().entered(),
        };
        let sender = Sender::to_come_back_to(self.arrival, message, self.membership);
        let sealed_sender = sender.seal(&self.keys.flow);
        let mut edit = Edit::new(message);
        self.strip(&mut edit, &way);
        for _ in 0..change.pop {
            edit.pop_first_value(Name::Route);
        }
        if let Some(contact) = change.contact {
            edit.request_uri(&contact.uri);
            for path in contact.path.iter().rev() {
                edit.push_front(Name::Route, path);
            }
        }
        let mark = change.contact.map(|_| self.loop_mark());
        if let Face::Public(flow) = self.arrival.face {
            if let Some(stamped) = Stamped::new(message.via(), self.arrival.peer) {
                edit.replace(message.via().text, stamped);
            }
            if message.method().forms_dialog() {
                let name = self.flows.public_name(&flow).ok_or(Verdict::FlowGone)?;
                edit.push_front(Name::RecordRoute, self.record_route(&flow, &name));
            }
        }
        match &way {
            Way::Shard(_) => edit.push_front(Name::Via, self.inside_via(self.inside_transport(), &sealed_sender, mark)),
            Way::Proxy(_, flow) => {
                let cluster = &self.settings.cluster;
                edit.push_front(Name::Route, format_args!("<sip:{}@{cluster};lr>", flow.seal(&self.keys.flow)));
                edit.push_front(Name::Via, self.inside_via(self.inside_transport(), &sealed_sender, mark));
            }
            Way::Phone(flow, name) => {
                if message.method().forms_dialog() {
                    edit.push_front(Name::RecordRoute, self.record_route(flow, name));
                }
                edit.push_front(Name::Via, self.public_via(flow, name, &sealed_sender, mark));
            }
        }
        match message.max_forwards() {
            Some(left) => edit.set(Name::MaxForwards, left.saturating_sub(1)),
            None => edit.append(Name::MaxForwards, MAX_FORWARDS),
        }
        // ACK and CANCEL only follow, and nobody has proved who sends them.
        if let Some(caller) = change.caller.filter(|_| !matches!(message.method(), Method::Ack | Method::Cancel)) {
            self.assert_identity(&mut edit, caller, &way);
            if let Some(target) = change.target {
                edit.append(Name::TandemCaller, &caller.aor);
                edit.append(Name::TandemTarget, target);
            }
        }
        self.count(Count::RequestForwarded);
        self.send(&way, change.contact.map(|contact| &*contact.uri), edit);
        Ok(())
    }

    fn send(&mut self, way: &Way, uri: Option<&str>, mut edit: Edit<'_>) {
        let method = self.message.method_text();
        tracing::debug!(call_id = self.message.call_id(), method, peer = %self.arrival.peer, ?way, "forwarded");
        let inside = Hop::new(self.inside_transport(), self.settings.inside);
        match way {
            Way::Shard(address) | Way::Proxy(address, _) => {
                self.out.send_to(Hop { address: *address, ..inside }, |out| edit.write(out));
            }
            Way::Phone(flow, _) => {
                let uri = uri.unwrap_or(self.message.request_uri());
                self.out.send_over(destination(*flow, uri), |out| edit.write(out));
            }
        }
    }

    /// Takes out what a phone must not say, or what is meant for members only.
    fn strip(&self, edit: &mut Edit<'_>, way: &Way) {
        match (&self.arrival.face, way) {
            (Face::Public(_), _) => {
                for name in [Name::PAssertedIdentity, Name::PPreferredIdentity, Name::RemotePartyId] {
                    edit.remove(name);
                }
                edit.remove_prefixed(OURS);
                for line in self.message.lines().filter(|line| line.name == Name::ProxyAuthorization) {
                    let realm = AuthValue::parse(line.value).and_then(|value| value.param("realm"));
                    if realm.is_some_and(|realm| self.directory.domain(realm).is_some()) {
                        edit.remove_line(line.index);
                    }
                }
            }
            (Face::Inside(_), Way::Phone(..)) => edit.remove_prefixed(OURS),
            (Face::Inside(_), Way::Shard(_) | Way::Proxy(..)) => {}
        }
    }

    /// Adds P-Asserted-Identity (RFC 3325), toward a phone only if the caller does not ask for privacy.
    fn assert_identity(&self, edit: &mut Edit<'_>, caller: &Caller, way: &Way) {
        let asks_for_privacy = self.message.header(Name::Privacy).is_some_and(|privacy| privacy != "none");
        let wanted = match way {
            Way::Shard(_) => true,
            Way::Proxy(..) | Way::Phone(..) => !asks_for_privacy,
        };
        match self.directory.user(&caller.aor) {
            Some(user) if wanted => {
                edit.append(Name::PAssertedIdentity, identity(user, self.directory.domain_name(user)));
            }
            Some(_) | None => {}
        }
    }

    fn record_route(&self, flow: &Flow, name: &PublicName) -> impl fmt::Display + use<> {
        let scheme = if self.message.request_uri().starts_with("sips:") { "sips" } else { "sip" };
        let (token, name, transport) = (flow.seal(&self.keys.flow), name.clone(), flow.transport);
        fmt::from_fn(move |f| write!(f, "<{scheme}:{token}@{name};transport={};lr>", uri_transport(transport)))
    }

    /// What came over a reliable transport stays on one, and what came in datagrams leaves so: repeating what is lost then works
    /// from end to end.
    pub(super) fn inside_transport(&self) -> Transport {
        if self.is_reliable() { Transport::Tcp } else { Transport::Udp }
    }

    pub(super) fn is_reliable(&self) -> bool {
        match self.arrival.face {
            Face::Public(flow) => flow.transport.is_reliable(),
            Face::Inside(hop) => hop.transport.is_reliable(),
        }
    }
}

/// How the names of our own headers begin; they mean something only inside the cluster.
pub(super) const OURS: &str = "Tandem-";

/// The `transport` parameter of a URI; `ws` stands for both kinds of WebSocket (RFC 7118 §5.2.3).
fn uri_transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Ws | Transport::Wss => "ws",
        Transport::Udp | Transport::Tcp | Transport::Tls => transport.uri_text(),
    }
}

/// Where a request for a phone is sent.
///
/// Without a NAT in between a phone may listen on another port than it registered from, and its Contact says which; an outbound flow
/// (RFC 5626, `ob`) is used as it is.
fn destination(flow: Flow, uri: &str) -> Flow {
    let FlowEnd::Peer(peer) = flow.end else { return flow };
    match Uri::parse(uri) {
        Ok(uri) if uri.host == Host::Ip(peer.ip()) && uri.param("ob").is_none() => {
            let port = uri.port.unwrap_or(flow.transport.default_port());
            Flow { end: FlowEnd::Peer(SocketAddr::new(peer.ip(), port)), ..flow }
        }
        Ok(_) | Err(_) => flow,
    }
}

/// `"Alice Martin" <sip:6001@tandem.local>`.
fn identity(user: &User, domain: &str) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        if let Some(name) = user.caller_name() {
            // The directory admits no name that would need escapes.
            write!(f, "\"{name}\" ")?;
        }
        f.write_str("<sip:")?;
        for byte in user.caller_number().unwrap_or(user.name()).bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.!~*'()+".contains(&byte) {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        write!(f, "@{domain}>")
    })
}
