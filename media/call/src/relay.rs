//! Requests without an offer that pass from one side to the other: INFO, MESSAGE, NOTIFY, REFER.

use crate::best::{Failure, within};
use crate::call::{Call, Phase};
use crate::leg::{LegId, Purpose, Task};
use crate::policy::{Place, passing};
use crate::response::{ALLOW, response};
use crate::settings::ReferPolicy;
use crate::turn::Turn;
use sip::build::Builder;
use sip::endpoint::ServerId;
use sip::headers::{NameAddr, Valued, number};
use sip::message::{Message, Method, Name};

impl Call {
    pub(crate) fn relay(&mut self, turn: &mut Turn<'_>, id: LegId, server: ServerId, bytes: Vec<u8>) {
        let Ok(request) = Message::parse(&bytes) else { return };
        if matches!(self.phase, Phase::Serving(_)) {
            return self.handle_service_request(turn, server, &request);
        }
        if self.press_for(turn, id, server, &request) {
            return;
        }
        match self.pass(turn, id, server, &request) {
            Ok(()) => {}
            Err(failure) => self.refuse(turn, server, &request, &failure),
        }
    }

    fn pass(&mut self, turn: &mut Turn<'_>, id: LegId, server: ServerId, request: &Message<'_>) -> Result<(), Failure> {
        let method = request.method();
        let lines = self.minted(turn, id, request)?;
        let limit = turn.settings().limits.header;
        let early = || Failure::of(480);
        let other = self.other(id).ok_or_else(early)?;
        let leg = self.leg(other).ok_or_else(early)?;
        let hop = leg.hop;
        let dialog = leg.dialog().ok_or_else(early)?;
        let hop = turn.hop_of(dialog, hop);
        let mut passed = dialog.request(method);
        let cseq = dialog.local_cseq;
        passed =
            passing(request, Place::Request, limit).fold(passed, |passed, (name, value)| passed.header(name, value));
        passed = lines.into_iter().fold(passed, |passed, (name, value)| passed.header(name, value));
        if method == Method::Refer {
            self.refers.push((request.cseq(), cseq));
            if self.refers.len() > MOST_REFERS {
                self.refers.remove(0);
            }
        }
        let client = turn.request(hop, with_body(passed, request).finish());
        let purpose = Purpose::Relay { from: id, server, request: request.bytes().to_vec() };
        if let Some(leg) = self.leg(other) {
            leg.tasks.push(Task { client, method, cseq, offer: None, purpose });
        }
        Ok(())
    }

    /// Headers that the other side gets in another form.
    fn minted(&self, turn: &Turn<'_>, id: LegId, request: &Message<'_>) -> Result<Vec<(Name, String)>, Failure> {
        match request.method() {
            Method::Refer => {
                let to = self.allowed_refer(turn, request)?;
                let by = if self.legs[0].id == id { &self.caller } else { &self.callee };
                Ok(vec![
                    (Name::ReferTo, to),
                    (Name::ReferredBy, format!("<sip:{by}>")),
                    (Name::Allow, ALLOW.to_owned()),
                ])
            }
            Method::Notify => {
                let event = request.header(Name::Event).ok_or_else(|| Failure::of(489))?;
                Ok(vec![(Name::Event, self.named_refer(event))])
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Refer-To of a REFER that may pass: into a domain of ours, and naming no dialog, since the other side knows dialogs by other
    /// names.
    fn allowed_refer(&self, turn: &Turn<'_>, request: &Message<'_>) -> Result<String, Failure> {
        let mut values = request.values(Name::ReferTo);
        let (Some(value), None) = (values.next(), values.next()) else { return Err(Failure::of(400)) };
        let address = NameAddr::parse(value).map_err(|_| Failure::of(400))?;
        let uri = address.uri().map_err(|_| Failure::of(400))?;
        let is_ours = turn.core.view.directory.load().domain(&uri.host.to_string()).is_some();
        match turn.settings().refer {
            ReferPolicy::OwnDomains if is_ours && uri.headers.is_empty() => Ok(format!("<{}>", address.uri_text)),
            ReferPolicy::OwnDomains | ReferPolicy::Refuse => {
                Err(Failure::of(403).with(Name::Reason, r#"SIP;cause=403;text="Transfer is not allowed""#))
            }
        }
    }

    /// Event of a NOTIFY about a REFER: its `id` is the CSeq that the REFER had on the side that sent it (RFC 3515 §2.4.6).
    fn named_refer(&self, event: &str) -> String {
        let id = Valued::parse(event).param("id").and_then(number);
        let known = id.and_then(|id| self.refers.iter().find(|(_, sent)| *sent == id));
        match known {
            Some((received, _)) => format!("{};id={received}", Valued::parse(event).value),
            None => event.to_owned(),
        }
    }

    /// What became of a request that was passed on to this leg.
    pub(crate) fn relay_answered(
        &mut self,
        turn: &mut Turn<'_>,
        id: LegId,
        task: Task,
        status: u16,
        answer: Option<&Message<'_>>,
    ) {
        let Purpose::Relay { from, server, request } = &task.purpose else { return };
        let Ok(request) = Message::parse(request) else { return };
        let place = if status < 300 { Place::Success } else { Place::Failure };
        let mut passed = response(&request, within(status));
        if let Some(answer) = answer {
            let lines = passing(answer, place, turn.settings().limits.header);
            passed = lines.fold(passed, |passed, (name, value)| passed.header(name, value));
            passed = with_body(passed, answer);
        }
        if task.method == Method::Refer
            && let Some(leg) = self.leg(*from)
        {
            passed = passed.header(Name::Contact, &leg.contact);
        }
        turn.respond(*server, passed.finish());
        // RFC 5057 §5.1: a 481 to a request of the call's own usage ends it; a subscription's ends the subscription.
        if status == 481 && matches!(task.method, Method::Info | Method::Message) {
            self.end(turn, "a leg is dead", Some(id), Failure::of(480));
        }
    }
}

/// The body as it came. Of a NOTIFY about a REFER only the status line: the rest would show the other side's addresses.
fn with_body(message: Builder, from: &Message<'_>) -> Builder {
    let kind = from.header(Name::ContentType).unwrap_or("text/plain");
    let body = match kind.starts_with("message/sipfrag") {
        true => from.body().split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default(),
        false => from.body(),
    };
    message.body(kind, body)
}

/// REFERs whose NOTIFYs may still name them.
const MOST_REFERS: usize = 8;
