//! What is said back: the bindings to a phone, and where to call to a proxy or media node.

use super::Policy;
use super::record::{Binding, Record};
use proto::gruu;
use proto::wire::{self, LocateResponse, RegisterRequest, RegisterResponse};
use std::cmp::Reverse;

/// 200 with every current binding.
pub fn bindings(
    record: &Record,
    request: &RegisterRequest,
    policy: &Policy<'_>,
    now: u32,
    random: u64,
) -> RegisterResponse {
    let mut bindings = Vec::with_capacity(record.bindings.len());
    for (index, binding) in record.live(now).enumerate() {
        let mut wire = to_wire(binding);
        if request.gruu && !wire.instance.is_empty() {
            let salt = (random >> 32) as u32 ^ index as u32;
            wire.public_gruu = gruu::public(&request.aor, &wire.instance);
            wire.temporary_gruu = policy.gruu.temporary(&request.aor, &wire.instance, binding.call, salt);
        }
        bindings.push(wire);
    }
    RegisterResponse { bindings, ..refusal(200, now) }
}

/// An answer without bindings.
pub fn refusal(status: u32, now: u32) -> RegisterResponse {
    RegisterResponse { status, now: u64::from(now), ..RegisterResponse::default() }
}

/// Where a user is called: highest q first, then the newest. With an instance only its bindings, with the user part of a temporary
/// GRUU only those of the Call-ID that it was given to (RFC 5627 §3.1.2).
pub fn locate(record: &Record, instance: &str, gruu: &gruu::Key, now: u32) -> LocateResponse {
    let temporary = gruu.open(instance);
    let is_meant = |binding: &&Binding| match &temporary {
        Some(temporary) => temporary.is_of(binding.texts().instance, binding.call),
        None => instance.is_empty() || binding.texts().instance == instance,
    };
    let mut found: Vec<&Binding> = record.live(now).filter(is_meant).collect();
    found.sort_by_key(|binding| (Reverse(binding.q), Reverse(binding.registered_at)));
    LocateResponse { known: true, bindings: found.into_iter().map(to_wire_in_full).collect() }
}

/// Everything about a binding, for administration and for calls.
pub fn to_wire_in_full(binding: &Binding) -> wire::Binding {
    let texts = binding.texts();
    wire::Binding {
        received: texts.received.into(),
        user_agent: texts.user_agent.into(),
        proxy: texts.proxy.into(),
        ..to_wire(binding)
    }
}

/// What a proxy needs to answer a REGISTER and to remember the way to the phone.
fn to_wire(binding: &Binding) -> wire::Binding {
    let texts = binding.texts();
    wire::Binding {
        uri: texts.uri.into(),
        cseq: binding.cseq,
        q: u32::from(binding.q),
        instance: texts.instance.into(),
        reg_id: binding.reg_id,
        params: texts.params.into(),
        flow: texts.flow.into(),
        path: texts.path.split('\n').filter(|value| !value.is_empty()).map(String::from).collect(),
        transport: texts.transport.into(),
        expires_at: u64::from(binding.expires_at),
        registered_at: u64::from(binding.registered_at),
        ..wire::Binding::default()
    }
}
