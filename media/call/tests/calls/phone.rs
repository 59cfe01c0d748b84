//! A telephone that does what its manners say, together with the proxy before it: it speaks SIP with the shard as if a proxy
//! had passed everything on.

use sip::build::Builder;
use sip::dialog::Dialog;
use sip::endpoint::{ClientId, Endpoint, Event, ServerId};
use sip::hop::Hop;
use sip::message::{Message, Method, Name};
use sip::timer::Timers;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How a phone takes calls.
#[derive(Clone)]
pub struct Manners {
    /// Provisional responses to an INVITE: after which time, with which status, how.
    pub ring: Vec<(Duration, u16, Ring)>,
    /// The final response; `None`: never.
    pub answer: Option<(Duration, u16)>,
    /// Headers of the final response.
    pub answer_headers: Vec<(Name, String)>,
    /// Statuses for methods within a dialog; 200 where none is said.
    pub within: HashMap<Method, u16>,
    /// Answers nothing at all, as if the cable had been pulled.
    pub dead: bool,
    /// Sends no ACK.
    pub forgets_ack: bool,
    /// Puts no description into a 200 whose reliable provisional response had one.
    pub lean: bool,
    /// Answers 488 to an offer in another profile than its own.
    pub refuses_profile: bool,
    pub allow: &'static str,
    pub supported: &'static str,
    /// Headers of every INVITE of its own.
    pub invite_headers: Vec<(Name, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ring {
    Plain,
    Early,
    Reliable,
    ReliableEarly,
}

pub const ALL_METHODS: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, MESSAGE, REFER, NOTIFY";
pub const NO_UPDATE: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO";

impl Default for Manners {
    fn default() -> Manners {
        Manners {
            ring: vec![(Duration::from_millis(50), 180, Ring::Plain)],
            answer: Some((Duration::from_millis(1000), 200)),
            answer_headers: Vec::new(),
            within: HashMap::new(),
            dead: false,
            refuses_profile: false,
            forgets_ack: false,
            lean: true,
            allow: ALL_METHODS,
            supported: "100rel, timer",
            invite_headers: Vec::new(),
        }
    }
}

/// What a phone's user saw.
#[derive(Debug, Clone)]
pub struct Heard {
    pub bytes: Vec<u8>,
}

impl Heard {
    pub fn message(&self) -> Message<'_> {
        Message::parse(&self.bytes).unwrap()
    }
}

pub struct Phone {
    pub name: String,
    /// The proxy before it, by which the shard reaches it.
    pub proxy: Hop,
    /// The token of its flow.
    pub flow: String,
    /// Where its media is.
    pub media: SocketAddr,
    pub manners: Manners,
    pub endpoint: Endpoint,
    pub dialog: Option<Dialog>,
    pub heard: Vec<Heard>,
    /// Statuses of its own requests within the dialog, with the method.
    pub outcomes: Vec<(Method, u16)>,
    pub calls: u32,
    /// Reasons of the CANCELs that it got.
    pub cancelled: Vec<Option<String>>,
    /// Its own INVITE that is not answered yet.
    pub calling: Option<ClientId>,
    pub version: u32,
    pub direction: &'static str,
    /// Payload types of its descriptions.
    pub codecs: &'static str,
    /// Of its stream of sound.
    pub profile: &'static str,
    /// Its a=crypto line.
    pub crypto: Option<&'static str>,
    /// Said instead of all that.
    pub whole_sdp: Option<&'static str>,
    /// Sent next, as it is.
    pub raw: Option<(Hop, Vec<u8>)>,
    /// The last INVITE that began a call, as it went out.
    pub last_sent: Option<(Hop, Vec<u8>)>,
    ringing: HashMap<ServerId, Ringing>,
    plans: Vec<(Instant, u64, Plan)>,
    sent_invite: Option<(Within, Sdp)>,
    /// 2xx acknowledged, to repeat the ACK for their copies.
    acks: HashMap<ClientId, (Hop, Vec<u8>)>,
    last_rseq: Option<u32>,
    count: u64,
    shard: Hop,
}

struct Ringing {
    request: Vec<u8>,
    dialog: Dialog,
    rseq: u32,
    acknowledged: bool,
    described: bool,
    over: bool,
}

#[derive(Debug)]
enum Plan {
    Ring(ServerId, u16, Ring),
    Answer(ServerId, u16),
    Resend(ServerId, u32, Vec<u8>, Duration),
}

/// Whether an INVITE carries an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sdp {
    Offer,
    Late,
}

/// Whether an INVITE begins a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    NoDialog,
    Dialog,
}

impl Phone {
    pub fn new(name: &str, number: u8, flow: String, proxy: Hop, shard: Hop, seed: u64) -> Phone {
        Phone {
            name: name.to_owned(),
            proxy,
            flow,
            media: SocketAddr::from(([192, 168, 1, number], 4000)),
            manners: Manners::default(),
            endpoint: Endpoint::new(Timers::default(), proxy.address.to_string(), seed),
            dialog: None,
            heard: Vec::new(),
            outcomes: Vec::new(),
            calls: 0,
            cancelled: Vec::new(),
            calling: None,
            version: 1,
            direction: "sendrecv",
            codecs: "8 0",
            profile: "RTP/AVP",
            crypto: None,
            whole_sdp: None,
            raw: None,
            last_sent: None,
            ringing: HashMap::new(),
            plans: Vec::new(),
            sent_invite: None,
            acks: HashMap::new(),
            last_rseq: None,
            count: seed,
            shard,
        }
    }

    pub fn contact(&self) -> String {
        format!("<sip:{}@{}>", self.name, self.media.ip())
    }

    pub fn uri(&self) -> String {
        format!("sip:{}@{}", self.name, self.media.ip())
    }

    pub fn sdp(&self) -> Vec<u8> {
        if let Some(sdp) = self.whole_sdp {
            return sdp.as_bytes().to_vec();
        }
        format!(
            "v=0\r\no=- 77 {} IN IP4 {}\r\ns=-\r\nc=IN IP4 {}\r\nt=0 0\r\nm=audio {} {} {} 101\r\na=rtpmap:98 \
             opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\na={}\r\n{}",
            self.version,
            self.media.ip(),
            self.media.ip(),
            self.media.port(),
            self.profile,
            self.codecs,
            self.direction,
            self.crypto.map(|line| format!("a=crypto:{line}\r\n")).unwrap_or_default(),
        )
        .into_bytes()
    }

    fn unique(&mut self) -> String {
        self.count = self.count.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        format!("{:x}", self.count >> 16)
    }

    /// Calls; `target` as the proxy would put it into Tandem-Target.
    pub fn invite(&mut self, now: Instant, caller: &str, target: &str, sdp: Sdp) -> ClientId {
        let (tag, call_id) = (self.unique(), self.unique());
        let dialled = target.strip_prefix("user:").unwrap_or("9999@tandem.local");
        let mut invite = Builder::request(Method::Invite, format_args!("sip:{dialled}"))
            .header(Name::RecordRoute, format_args!("<sip:{}@cluster.test:5060;transport=udp;lr>", self.flow))
            .header(Name::MaxForwards, 69)
            .header(Name::From, format_args!("\"Fake Name\" <sip:{caller}>;tag={tag}"))
            .header(Name::To, format_args!("<sip:{dialled}>"))
            .header(Name::CallId, format_args!("{call_id}@{}", self.media.ip()))
            .header(Name::CSeq, "1 INVITE")
            .header(Name::Contact, self.contact())
            .header(Name::UserAgent, "Secretphone 1.0")
            .header(Name::Allow, self.manners.allow)
            .header(Name::Supported, self.manners.supported)
            .header(Name::PAssertedIdentity, format_args!("\"Alice Martin\" <sip:6001@tandem.local>"))
            .header(Name::TandemCaller, caller)
            .header(Name::TandemTarget, target);
        for (name, value) in &self.manners.invite_headers {
            invite = invite.header(*name, value);
        }
        if sdp == Sdp::Offer {
            invite = invite.body("application/sdp", &self.sdp());
        }
        self.dialog = None;
        self.last_rseq = None;
        self.sent_invite = Some((Within::NoDialog, sdp));
        let client = self.endpoint.request(now, self.shard, invite.finish());
        self.calling = Some(client);
        client
    }

    pub fn cancel(&mut self, now: Instant) {
        let client = self.calling.expect("it is calling");
        self.endpoint.cancel(now, client);
    }

    /// A request within the dialog.
    pub fn request(&mut self, now: Instant, method: Method, headers: &[(Name, &str)], body: Option<(&str, &[u8])>) {
        let dialog = self.dialog.as_mut().expect("a dialog");
        let mut request = dialog.request(method);
        if method == Method::Invite {
            request = request.header(Name::Allow, self.manners.allow).header(Name::Supported, self.manners.supported);
            self.sent_invite = Some((Within::Dialog, if body.is_some() { Sdp::Offer } else { Sdp::Late }));
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some((kind, body)) = body {
            request = request.body(kind, body);
        }
        let client = self.endpoint.request(now, self.shard, request.finish());
        if method == Method::Invite {
            self.calling = Some(client);
        }
    }

    /// Offers anew within the dialog.
    pub fn offer(&mut self, now: Instant, method: Method, direction: &'static str) {
        self.direction = direction;
        self.version += 1;
        let sdp = self.sdp();
        self.request(now, method, &[], Some(("application/sdp", &sdp)));
    }

    pub fn hang_up(&mut self, now: Instant) {
        self.request(now, Method::Bye, &[], None);
        self.dialog = None;
    }

    pub fn handle_message(&mut self, now: Instant, from: Hop, bytes: &[u8]) {
        if self.manners.dead {
            return;
        }
        self.endpoint.handle_message(now, from, bytes);
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        let plan = self.plans.iter().map(|(at, _, _)| *at).min();
        self.endpoint.poll_timeout().into_iter().chain(plan).min()
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
        self.plans.sort_by_key(|(at, number, _)| (*at, *number));
        while self.plans.first().is_some_and(|(at, _, _)| *at <= now) {
            let (_, _, plan) = self.plans.remove(0);
            self.carry_out(now, plan);
        }
        self.handle_events(now);
    }

    pub fn handle_events(&mut self, now: Instant) {
        while let Some(event) = self.endpoint.poll_event() {
            self.handle_event(now, event);
        }
    }

    pub fn is_idle(&self) -> bool {
        self.endpoint.is_idle() && self.plans.is_empty()
    }

    /// Statuses that its calls were answered with, provisional ones too.
    pub fn statuses(&self) -> Vec<u16> {
        self.heard.iter().filter_map(|heard| heard.message().status()).collect()
    }

    /// Requests it got, by method.
    pub fn requests(&self, method: Method) -> Vec<Message<'_>> {
        let messages = self.heard.iter().map(Heard::message);
        messages.filter(|message| message.is_request() && message.method() == method).collect()
    }

    fn plan(&mut self, at: Instant, plan: Plan) {
        self.count += 1;
        self.plans.push((at, self.count, plan));
    }

    fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Request { id, bytes, .. } => {
                self.heard.push(Heard { bytes: bytes.clone() });
                self.handle_request(now, id, bytes);
            }
            Event::Cancel { invite, reason } => {
                let Some(ringing) = self.ringing.get_mut(&invite) else { return };
                ringing.over = true;
                self.cancelled.push(reason);
                let request = Message::parse(&ringing.request).unwrap();
                let response = Builder::response(&request, 487, "Gone").to_tag(&ringing.dialog.local_tag).finish();
                self.endpoint.respond(now, invite, response);
            }
            Event::Ack { bytes, .. } => self.heard.push(Heard { bytes }),
            Event::AckMissing { .. } => {
                if self.dialog.is_some() {
                    self.hang_up(now);
                }
            }
            Event::Response { id, bytes, .. } => self.handle_response(now, id, bytes),
            Event::Timeout { id } | Event::Unreachable { id } => {
                self.outcomes.push((Method::Other, 408));
                self.calling.take_if(|calling| *calling == id);
            }
            Event::Ended { .. } => {}
        }
    }

    fn handle_request(&mut self, now: Instant, id: ServerId, bytes: Vec<u8>) {
        let request = Message::parse(&bytes).unwrap();
        let within = self.dialog.as_ref().is_some_and(|dialog| dialog.is_of(&request));
        let ringing = self.ringing.iter().find(|(_, ringing)| !ringing.over && ringing.dialog.is_of(&request));
        let ringing = ringing.map(|(id, _)| *id);
        if within || ringing.is_some() {
            if let Some(dialog) = self.dialog.as_mut().filter(|_| within) {
                assert!(dialog.accepts(request.cseq()), "{} gets requests in order", self.name);
                dialog.refresh_target(&request);
            }
            return self.handle_within(now, id, &request, ringing);
        }
        if request.method() == Method::Invite && request.to_tag().is_none() {
            return self.handle_invite(now, id, &request);
        }
        let status = if request.method() == Method::Options { 200 } else { 481 };
        self.endpoint.respond(now, id, Builder::response(&request, status, "").finish());
    }

    fn handle_invite(&mut self, now: Instant, id: ServerId, request: &Message<'_>) {
        self.calls += 1;
        let tag = self.unique();
        let mut dialog = Dialog::uas(request, &tag, &self.contact()).expect("an INVITE has a Contact");
        dialog.route_set = vec![format!("<sip:{}@cluster.test;lr>", self.flow)];
        let ringing = Ringing {
            request: request.bytes().to_vec(),
            dialog,
            rseq: 100,
            acknowledged: true,
            described: false,
            over: false,
        };
        self.ringing.insert(id, ringing);
        let manners = self.manners.clone();
        for (after, status, ring) in manners.ring {
            self.plan(now + after, Plan::Ring(id, status, ring));
        }
        if let Some((after, status)) = manners.answer {
            let is_other = !String::from_utf8_lossy(request.body()).contains(&format!(" {} ", self.profile));
            let status = if manners.refuses_profile && is_other { 488 } else { status };
            self.plan(now + after, Plan::Answer(id, status));
        }
    }

    fn handle_within(&mut self, now: Instant, id: ServerId, request: &Message<'_>, ringing: Option<ServerId>) {
        let status = self.manners.within.get(&request.method()).copied().unwrap_or(200);
        let mut response = Builder::response(request, status, "").header(Name::Contact, self.contact());
        if let (Method::Prack, Some(ringing)) = (request.method(), ringing) {
            self.ringing.get_mut(&ringing).unwrap().acknowledged = true;
        }
        if status == 422 {
            response = response.header(Name::MinSe, 3600);
        }
        if status == 200 {
            if let Some(expires) = request.header(Name::SessionExpires) {
                response = response.header(Name::SessionExpires, expires).header(Name::Require, "timer");
            }
            match (request.method(), request.body().is_empty()) {
                (Method::Invite, _) | (Method::Update, false) => {
                    self.version += 1;
                    response = response.header(Name::Allow, self.manners.allow).body("application/sdp", &self.sdp());
                }
                (_, _) => {}
            }
        }
        self.endpoint.respond(now, id, response.finish());
        if request.method() == Method::Bye {
            self.dialog = None;
        }
    }

    fn carry_out(&mut self, now: Instant, plan: Plan) {
        let (allow, supported, flow) = (self.manners.allow, self.manners.supported, self.flow.clone());
        let (contact, sdp) = (self.contact(), self.sdp());
        let headers = self.manners.answer_headers.clone();
        let lean = self.manners.lean;
        let id = match &plan {
            Plan::Ring(id, ..) | Plan::Answer(id, _) | Plan::Resend(id, ..) => *id,
        };
        let Some(ringing) = self.ringing.get_mut(&id).filter(|ringing| !ringing.over) else { return };
        let request = Message::parse(&ringing.request).unwrap();
        match plan {
            Plan::Ring(_, status, ring) => {
                let mut response = Builder::response(&request, status, "Ringing")
                    .to_tag(&ringing.dialog.local_tag)
                    .header(Name::RecordRoute, format_args!("<sip:{flow}@cluster.test;lr>"))
                    .header(Name::Contact, contact)
                    .header(Name::Allow, allow);
                if matches!(ring, Ring::Early | Ring::ReliableEarly) {
                    response = response.body("application/sdp", &sdp);
                }
                if matches!(ring, Ring::Plain | Ring::Early) {
                    return self.endpoint.respond(now, id, response.finish());
                }
                assert!(request.has_option(Name::Supported, "100rel") || request.has_option(Name::Require, "100rel"));
                ringing.rseq += 1;
                ringing.acknowledged = false;
                ringing.described |= ring == Ring::ReliableEarly;
                let rseq = ringing.rseq;
                let response = response.header(Name::Require, "100rel").header(Name::RSeq, rseq).finish();
                self.endpoint.respond(now, id, response.clone());
                self.plan(now + Duration::from_millis(500), Plan::Resend(id, rseq, response, Duration::from_secs(1)));
            }
            Plan::Resend(_, rseq, response, pause) => {
                if ringing.acknowledged || ringing.rseq != rseq || pause > Duration::from_secs(32) {
                    return;
                }
                self.endpoint.respond(now, id, response.clone());
                self.plan(now + pause, Plan::Resend(id, rseq, response, pause * 2));
            }
            Plan::Answer(_, status) => {
                if !ringing.acknowledged {
                    return self.plan(now + Duration::from_millis(100), Plan::Answer(id, status));
                }
                ringing.over = true;
                let mut response = Builder::response(&request, status, "")
                    .to_tag(&ringing.dialog.local_tag)
                    .header(Name::RecordRoute, format_args!("<sip:{flow}@cluster.test;lr>"));
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                if status >= 300 {
                    return self.endpoint.respond(now, id, response.finish());
                }
                response = response
                    .header(Name::Contact, contact)
                    .header(Name::Allow, allow)
                    .header(Name::Supported, supported);
                if let Some(expires) = request.header(Name::SessionExpires).filter(|_| supported.contains("timer")) {
                    let expires = expires.split(';').next().unwrap();
                    response = response
                        .header(Name::SessionExpires, format_args!("{expires};refresher=uac"))
                        .header(Name::Require, "timer");
                }
                if !(ringing.described && lean) {
                    response = response.body("application/sdp", &sdp);
                }
                let mut dialog = ringing.dialog.clone();
                dialog.confirm();
                self.dialog = Some(dialog);
                self.endpoint.respond(now, id, response.finish());
            }
        }
    }

    fn handle_response(&mut self, now: Instant, id: ClientId, bytes: Vec<u8>) {
        let response = Message::parse(&bytes).unwrap();
        let status = response.status().unwrap();
        if response.method() != Method::Invite {
            self.outcomes.push((response.method(), status));
            return;
        }
        if let Some((hop, ack)) = self.acks.get(&id) {
            let (hop, ack) = (*hop, ack.clone());
            return self.endpoint.send(hop, ack);
        }
        self.heard.push(Heard { bytes: bytes.clone() });
        let Some((within, offer)) = self.sent_invite else { return };
        match status {
            ..200 => {
                if response.to_tag().is_none() {
                    return;
                }
                if self.dialog.as_ref().is_none_or(|dialog| !dialog.is_of(&response)) && within == Within::NoDialog {
                    self.dialog =
                        Dialog::uac(&response, &self.uri(), &self.contact()).map(|dialog| self.routed(dialog));
                }
                self.acknowledge(now, &response, offer);
            }
            200..300 => {
                self.calling = None;
                match &mut self.dialog {
                    Some(dialog) if dialog.is_of(&response) => {
                        let routes = dialog.route_set.clone();
                        dialog.confirm_by(&response);
                        dialog.route_set = routes;
                    }
                    Some(_) | None => {
                        self.dialog =
                            Dialog::uac(&response, &self.uri(), &self.contact()).map(|dialog| self.routed(dialog));
                    }
                }
                if self.manners.forgets_ack {
                    return;
                }
                let ack = self.dialog.as_ref().unwrap().ack(response.cseq());
                let ack = match offer {
                    Sdp::Offer => ack.finish(),
                    Sdp::Late => ack.body("application/sdp", &self.sdp()).finish(),
                };
                self.acks.insert(id, (self.shard, ack.clone()));
                self.endpoint.send(self.shard, ack);
            }
            _ => {
                self.calling = None;
                if within == Within::Dialog {
                    self.outcomes.push((Method::Invite, status));
                } else {
                    self.dialog = None;
                }
            }
        }
    }

    fn routed(&self, mut dialog: Dialog) -> Dialog {
        dialog.route_set = vec![format!("<sip:{}@cluster.test;lr>", self.flow)];
        dialog
    }

    /// PRACK for a reliable response.
    fn acknowledge(&mut self, now: Instant, response: &Message<'_>, offer: Sdp) {
        let Some(rseq) = response.number(Name::RSeq) else { return };
        if self.last_rseq.is_some_and(|last| rseq <= last) {
            return;
        }
        self.last_rseq = Some(rseq);
        let rack = format!("{rseq} {} INVITE", response.cseq());
        let sdp = self.sdp();
        let body = (offer == Sdp::Late && !response.body().is_empty()).then_some(("application/sdp", &sdp[..]));
        if body.is_some() {
            self.sent_invite = Some((Within::NoDialog, Sdp::Offer));
        }
        self.request(now, Method::Prack, &[(Name::RAck, &rack)], body);
    }
}
