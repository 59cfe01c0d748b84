//! When two contacts are one.

use super::record::{Binding, Record, Texts, USER_AGENT};
use proto::wire::{ContactUpdate, RegisterRequest};
use sip::uri::Uri;

/// The binding, standing or remembered, that this contact is about; a standing one first.
pub fn find(record: &Record, contact: &ContactUpdate, now: u32) -> Option<usize> {
    let mut found = None;
    for (index, binding) in record.bindings.iter().enumerate() {
        if binding.expires_at > now && is_same(binding, contact) {
            if binding.is_live(now) {
                return Some(index);
            }
            found.get_or_insert(index);
        }
    }
    found
}

/// Two flows are one by instance and reg-id (RFC 5626 §6), all else by URI comparison (RFC 3261 §19.1.4).
///
/// Phones behind different NATs may give the same private address; their instances tell them apart.
pub fn is_same(binding: &Binding, contact: &ContactUpdate) -> bool {
    let texts = binding.texts();
    if binding.reg_id > 0 && contact.reg_id > 0 {
        return binding.reg_id == contact.reg_id && texts.instance == contact.instance;
    }
    let instances_agree =
        texts.instance == contact.instance || texts.instance.is_empty() || contact.instance.is_empty();
    instances_agree && is_same_uri(texts.uri, &contact.uri)
}

/// Whether a refresh with this contact would leave all but times and counters as it is.
pub fn same_route(binding: &Binding, request: &RegisterRequest, contact: &ContactUpdate) -> bool {
    let texts = binding.texts();
    let path = request.path.iter().map(String::as_str);
    texts.uri == contact.uri
        && texts.instance == contact.instance
        && texts.params == contact.params
        && texts.flow == request.flow
        && texts.path.split('\n').filter(|value| !value.is_empty()).eq(path)
        && texts.received == request.received
        && texts.transport == request.transport
        && texts.user_agent == user_agent(request)
        && texts.proxy == request.proxy
        && u32::from(binding.q) == contact.q.min(1000)
        && binding.reg_id == contact.reg_id
}

/// A binding of this contact over the flow of this request; its times are not set.
pub fn binding(request: &RegisterRequest, contact: &ContactUpdate) -> Binding {
    let path = request.path.join("\n");
    let texts = Texts {
        uri: &contact.uri,
        instance: &contact.instance,
        params: &contact.params,
        flow: &request.flow,
        path: &path,
        received: &request.received,
        transport: &request.transport,
        user_agent: user_agent(request),
        proxy: &request.proxy,
    };
    Binding { reg_id: contact.reg_id, q: contact.q.min(1000) as u16, ..Binding::new(texts) }
}

/// What is remembered of a removed contact: enough to recognise it.
pub fn without_route(contact: &ContactUpdate) -> Binding {
    let texts = Texts { uri: &contact.uri, instance: &contact.instance, ..Texts::default() };
    Binding { reg_id: contact.reg_id, ..Binding::new(texts) }
}

fn user_agent(request: &RegisterRequest) -> &str {
    let text = request.user_agent.as_str();
    &text[..text.floor_char_boundary(USER_AGENT)]
}

fn is_same_uri(a: &str, b: &str) -> bool {
    a == b || matches!((Uri::parse(a), Uri::parse(b)), (Ok(a), Ok(b)) if a.equivalent(&b))
}
