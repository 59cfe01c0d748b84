//! REGISTER: from an authenticated request to a question for the registry, and from its answer to a response (RFC 3261 §10.3).

use super::authenticate::Realm;
use super::passed::{News, Passed};
use super::text::{Text, put};
use super::verdict::{self, Verdict, finish, line, reason, retry_after, status_line};
use super::via::{Quoted, Sender, TO_MEMORY, copy_lines};
use super::{Count, Edge, Face, Outbox, Output, Passage, Waiting};
use proto::registrar::Unavailable;
use proto::ring;
use proto::time::{UnixMillis, UnixTime};
use proto::wire::{Binding, ContactUpdate, RegisterRequest, RegisterResponse};
use sip::digest::{Nonces, Purpose, Staleness};
use sip::headers::{ContactValue, NameAddr, split_values};
use sip::stateless::branch;
use sip::uri::Scheme;
use sip::{Message, Name};
use std::fmt;
use std::io::Write;
use std::time::Duration;

/// The extensions that REGISTER may require.
pub(super) const SUPPORTED: &str = "path, outbound, gruu";

/// A REGISTER that waits for the registry: what its response is made of.
pub(super) struct Applicant {
    sender: Sender,
    /// The lines that the response copies, Path among them.
    copied: Vec<u8>,
    aor: String,
    /// What the phone's nonces are bound to: user part of To and Call-ID as it writes them.
    bound_to: [String; 2],
    /// Whether the phone keeps the flow alive and is told so (RFC 5626).
    outbound: Outbound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outbound {
    Used,
    Unused,
}

/// Seconds that a phone gets which asks for none (RFC 3261 §10.2.1.1).
const DEFAULT_EXPIRES: u32 = 3600;

/// Bytes of a User-Agent that are kept.
const MAX_USER_AGENT: usize = 100;

impl<'a> Passage<'a> {
    /// Authenticates a REGISTER and asks the registry to apply it.
    pub(super) fn register(&mut self) -> Result<(), Verdict<'a>> {
        let message = self.message;
        let mut required = message.values(Name::Require);
        if let Some(option) =
            required.find(|option| !split_values(SUPPORTED).any(|known| known.eq_ignore_ascii_case(option)))
        {
            return Err(Verdict::BadExtension(option));
        }
        let Ok(to) = message.to().uri() else { return Err(Verdict::Refused(400, reason(400))) };
        let realm = Realm::of(self.directory, to.host_text);
        // By the Call-ID, two phones of one user never share a nonce and with it a count.
        let bound_to = [to.user.unwrap_or(""), message.call_id(), realm.name];
        let proof = self.prove(Purpose::Register, Name::Authorization, realm, &bound_to)?;
        if !self.owns(proof.user, &realm, &to) {
            return Err(Verdict::Refused(403, "Forbidden: To is not the authenticated user"));
        }
        let Face::Public(flow) = self.arrival.face else { return Err(Verdict::Refused(403, reason(403))) };
        let aor = self.directory.aor(proof.user);
        let Contacts { contacts, all, outbound } = Contacts::read(message)?;
        let request = RegisterRequest {
            aor: aor.clone(),
            call_id: message.call_id().to_owned(),
            cseq: message.cseq(),
            contacts,
            all,
            flow: flow.seal(&self.keys.flow).to_string(),
            path: message.values(Name::Path).map(str::to_owned).collect(),
            received: Text::of_address(self.arrival.peer).to_string(),
            transport: flow.transport.uri_text().to_owned(),
            user_agent: user_agent(message).to_owned(),
            nonce: ring::hash(proof.nonce.as_bytes()),
            nonce_count: proof.count,
            nonce_issued_at: proof.issued_at.as_millis() as u64,
            proxy: self.settings.name.clone(),
            gruu: message.has_option(Name::Supported, "gruu"),
            expires: message.number(Name::Expires).unwrap_or(DEFAULT_EXPIRES),
        };
        if !self.memory.waiting.has_room() {
            self.count(Count::Overload);
            return Err(Verdict::RetryLater);
        }
        let applicant = Applicant {
            sender: Sender::of(self.arrival, message),
            copied: self.copied(),
            aor,
            bound_to: [bound_to[0].to_owned(), bound_to[1].to_owned()],
            outbound,
        };
        let id = self.memory.waiting.park(self.now, Waiting::Register(Box::new(applicant)));
        self.out.push(Output::Register(id, Box::new(request)));
        Ok(())
    }

    /// What the response copies from the request; Path too, so that the phone sees which proxies are on its way (RFC 3327 §5.3).
    fn copied(&self) -> Vec<u8> {
        let tag = verdict::OwnTag::of(&branch(self.message, &self.keys.branch));
        let mut copied = Vec::with_capacity(512);
        copy_lines(self.message, self.arrival, Some(tag.as_str()), &mut copied);
        for path in self.message.all(Name::Path) {
            line(&mut copied, Name::Path, path);
        }
        copied
    }
}

impl Edge {
    /// Answers a REGISTER as the registry says.
    pub(super) fn registered(
        &mut self,
        wall: UnixMillis,
        applicant: &Applicant,
        response: Result<RegisterResponse, Unavailable>,
        out: &mut Outbox,
    ) {
        let memory = &mut self.memory;
        let aor = applicant.aor.as_str();
        let response = response.unwrap_or_else(|Unavailable| {
            memory.counts.add(Count::RegistryUnavailable);
            RegisterResponse { status: 503, ..RegisterResponse::default() }
        });
        let status = response.status as u16;
        memory.counts.add(if status == 200 { Count::Registered } else { Count::Refused });
        if status == 200 {
            let keys = self.view.keys.load();
            let own = self.view.id();
            let contacts = response.bindings.len();
            let reached = || {
                let known = response.bindings.iter().filter_map(|binding| Passed::of(binding, &keys.flow));
                known.filter(|passed| Some(passed.flow.proxy) == own).collect()
            };
            match memory.passed.remember(aor, reached) {
                News::Changed => tracing::info!(aor, contacts, "registered"),
                News::Same => tracing::debug!(aor, contacts, "registration refreshed"),
            }
        }
        verdict::send(out, applicant.sender, |out| {
            status_line(status, reason(status), out);
            out.extend_from_slice(&applicant.copied);
            match status {
                200 => {
                    for binding in &response.bindings {
                        contact_line(binding, UnixTime(response.now), out);
                    }
                    line(out, Name::Supported, SUPPORTED);
                    if applicant.outbound == Outbound::Used {
                        line(out, Name::Require, "outbound");
                        line(out, Name::FlowTimer, &Text::of(self.settings.flow_timer));
                    }
                    write!(out, "Date: {}\r\n", HttpDate(wall.seconds())).expect(TO_MEMORY);
                }
                401 => {
                    let directory = self.view.directory.load();
                    let keys = self.view.keys.load();
                    let realm = Realm::of(&directory, aor.rsplit_once('@').map_or("", |(_, domain)| domain));
                    let nonces = Nonces::new(&keys.nonce, self.settings.nonce_lifetime);
                    let [user, call_id] = &applicant.bound_to;
                    let bound_to = [user, call_id, realm.name];
                    let nonce = nonces.issue(Duration::from_millis(wall.0), Purpose::Register, &bound_to);
                    verdict::challenge(Purpose::Register, &realm, &nonce, Staleness::Stale, out);
                }
                423 => line(out, Name::MinExpires, &Text::of(response.min_expires)),
                503 => line(out, Name::RetryAfter, &retry_after(memory.random.number()).to_string()),
                _ => {}
            }
            finish(out);
        });
    }
}

/// What a REGISTER asks for.
struct Contacts {
    contacts: Vec<ContactUpdate>,
    /// `Contact: *`.
    all: bool,
    outbound: Outbound,
}

impl Contacts {
    /// Reads the Contact values; what RFC 3261 §10.3 step 6 and RFC 5626 §6 refuse is refused here.
    fn read<'a>(message: &Message<'a>) -> Result<Contacts, Verdict<'a>> {
        let refused = |status| Verdict::Refused(status, reason(status));
        let mut read = Contacts { contacts: Vec::new(), all: false, outbound: Outbound::Unused };
        let supports_outbound = message.has_option(Name::Supported, "outbound");
        for value in message.values(Name::Contact) {
            match ContactValue::parse(value) {
                Ok(ContactValue::Wildcard) => read.all = true,
                Ok(contact @ ContactValue::Address(address)) => {
                    let mut update = contact_update(message, &contact, &address).ok_or(refused(400))?;
                    if update.reg_id > 0 && supports_outbound {
                        read.outbound = Outbound::Used;
                    } else {
                        // RFC 5626 §6: without the option a reg-id means nothing.
                        update.reg_id = 0;
                    }
                    read.contacts.push(update);
                }
                Err(_) => return Err(refused(400)),
            }
        }
        if read.all && !read.contacts.is_empty() {
            return Err(refused(400));
        }
        if read.outbound == Outbound::Used && !first_hop_has_outbound(message) {
            return Err(refused(439));
        }
        Ok(read)
    }
}

/// We are the first hop, or else the proxy that was says by `ob` in its Path that it keeps the flow.
fn first_hop_has_outbound(message: &Message<'_>) -> bool {
    let first_hop = message.values(Name::Path).last().and_then(|path| NameAddr::parse(path).ok()?.uri().ok());
    message.values(Name::Via).nth(1).is_none() || first_hop.is_some_and(|uri| uri.param("ob").is_some())
}

fn contact_update(message: &Message<'_>, contact: &ContactValue<'_>, address: &NameAddr<'_>) -> Option<ContactUpdate> {
    let uri = address.uri().ok().filter(|uri| matches!(uri.scheme, Scheme::Sip | Scheme::Sips))?;
    let mut update = ContactUpdate {
        uri: uri.text.to_owned(),
        expires: contact.expires().or(message.number(Name::Expires)).unwrap_or(DEFAULT_EXPIRES),
        q: contact.q().into(),
        ..ContactUpdate::default()
    };
    for (name, value) in address.params.iter() {
        match name.to_ascii_lowercase().as_str() {
            "expires" | "q" | "pub-gruu" | "temp-gruu" => {}
            "+sip.instance" => update.instance = value.trim_start_matches('<').trim_end_matches('>').to_owned(),
            "reg-id" => update.reg_id = value.parse().unwrap_or(0),
            _ if value.is_empty() => update.params += &format!(";{name}"),
            _ => update.params += &format!(";{name}={}", Quoted(value)),
        }
    }
    if update.instance.is_empty() {
        update.reg_id = 0;
    }
    Some(update)
}

fn contact_line(binding: &Binding, now: UnixTime, out: &mut Vec<u8>) {
    let Binding { uri, q, instance, reg_id, params, public_gruu, temporary_gruu, expires_at, .. } = binding;
    let left = UnixTime(*expires_at).since(now).as_secs();
    put(out, &["Contact: <", uri, ">;expires=", &Text::of(left as u32)]);
    if *q < 1000 {
        write!(out, ";q=0.{q:03}").expect(TO_MEMORY);
    }
    if !instance.is_empty() {
        put(out, &[";+sip.instance=\"<", instance, ">\""]);
    }
    if *reg_id > 0 {
        put(out, &[";reg-id=", &Text::of(*reg_id)]);
    }
    put(out, &[params]);
    for (name, uri) in [("pub-gruu", public_gruu), ("temp-gruu", temporary_gruu)] {
        if !uri.is_empty() {
            put(out, &[";", name, "=\"", uri, "\""]);
        }
    }
    put(out, &["\r\n"]);
}

fn user_agent<'a>(message: &Message<'a>) -> &'a str {
    let text = message.header(Name::UserAgent).unwrap_or("");
    &text[..text.floor_char_boundary(MAX_USER_AGENT)]
}

/// A point in time as Date has it (RFC 3261 §20.17): `Sat, 13 Nov 2010 23:29:00 GMT`.
struct HttpDate(UnixTime);

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] = ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"];
        let (days, second) = (self.0.0 / 86_400, self.0.0 % 86_400);
        // The calendar counted from 1 March 0000, so that the leap day is the last one of its year.
        let day = days + 719_468;
        let (era, of_era) = (day / 146_097, day % 146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let (day, year) = (of_year - (153 * month + 2) / 5 + 1, era * 400 + year + u64::from(month >= 10));
        let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
        text[..3].copy_from_slice(DAYS[(days % 7) as usize].as_bytes());
        text[8..11].copy_from_slice(MONTHS[month as usize].as_bytes());
        let numbers = [(5, day), (12, year / 100), (14, year % 100)];
        let times = [(17, second / 3600), (20, second / 60 % 60), (23, second % 60)];
        for (at, number) in numbers.into_iter().chain(times) {
            (text[at], text[at + 1]) = (b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8);
        }
        f.write_str(str::from_utf8(&text).expect("letters and digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_the_rfc_has_them() {
        for (time, date) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_827_696, "Tue, 29 Feb 2000 12:34:56 GMT"),
            (1_289_690_940, "Sat, 13 Nov 2010 23:29:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] {
            assert_eq!(HttpDate(UnixTime(time)).to_string(), date);
        }
    }
}
