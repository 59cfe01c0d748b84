//! RFC 3261 §10.3 on one record: pure, so that the whole of it can be held against a model.
//!
//! A refresh that changes nothing but times and counters is *absorbed*: it is kept in memory, and written only when the expiry that
//! the store has would not cover it. That expiry is set one lifetime later than what the phone is told.

mod answer;
mod contact;
mod nonce;
pub mod record;

pub use answer::{locate, to_wire_in_full};

use answer::{bindings, refusal};
use contact::{find, is_same, same_route};
use nonce::NonceCounts;
use proto::gruu;
use proto::wire::{ContactUpdate, RegisterRequest, RegisterResponse};
use record::{Binding, Record, State, TEXT};
use std::cmp::Ordering;

/// What a user may do.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'a> {
    /// Seconds; less is refused with 423.
    pub min_expires: u32,
    /// Seconds; more is cut.
    pub max_expires: u32,
    /// Bindings at most.
    pub contacts: usize,
    /// What happens to one more.
    pub overflow: Overflow,
    /// What temporary GRUUs are sealed with.
    pub gruu: &'a gruu::Key,
}

/// What happens to a contact above the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest one goes.
    Oldest,
    /// The new one is refused with 403.
    Refuse,
}

/// What a REGISTER comes to.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing has to be durable; of the record at most times, counters and memories of removed bindings have changed.
    Done(RegisterResponse),
    /// To be answered once the changed record is durable; the one passed in is untouched.
    Write {
        /// The record to be.
        record: Record,
        /// The answer to give then.
        response: RegisterResponse,
    },
}

/// How many seconds a removed binding is remembered: as long as the nonce of a captured REGISTER is good
/// ([`sip::digest::Nonces::DEFAULT_LIFETIME`]), which is longer than a REGISTER may be under way.
pub const REMEMBERED: u32 = 300;

/// Applies an authenticated REGISTER at `now` (Unix seconds). `random` jitters what is granted and salts temporary GRUUs.
pub fn register(record: &mut Record, request: &RegisterRequest, policy: &Policy<'_>, now: u32, random: u64) -> Outcome {
    let answered = |record: &Record| Outcome::Done(bindings(record, request, policy, now, random));
    if !is_well_formed(request) {
        return Outcome::Done(refusal(400, now));
    }
    let contacts = &request.contacts;
    if contacts.is_empty() && !request.all {
        return answered(record);
    }
    let call = call_of(request);
    match order(record, request, call, now) {
        Order::Replayed => return answered(record),
        Order::Late => return Outcome::Done(refusal(500, now)),
        Order::New => {}
    }
    if is_nonce_used(record, request, now) {
        return Outcome::Done(RegisterResponse { stale: true, ..refusal(401, now) });
    }
    if contacts.iter().any(|contact| (1..policy.min_expires).contains(&contact.expires)) {
        return Outcome::Done(RegisterResponse { min_expires: policy.min_expires, ..refusal(423, now) });
    }
    let grant = Grant::new(call, policy, now, random);
    if contacts.iter().all(|contact| is_absorbed(record, request, contact, &grant)) && !request.all {
        for contact in contacts {
            if let Some(index) = find(record, contact, now) {
                grant.refresh(&mut record.bindings[index], contact, request);
            }
        }
        note_nonce(record, request, call);
        return answered(record);
    }
    let mut changed = record.clone();
    let effect = if request.all {
        remove_all(&mut changed, request, now)
    } else {
        contacts.iter().map(|contact| apply(&mut changed, request, contact, &grant)).max().unwrap_or(Effect::Memory)
    };
    if hold_limit(&mut changed, contacts, policy, now).is_err() {
        return Outcome::Done(refusal(403, now));
    }
    note_nonce(&mut changed, request, call);
    hold_memories(&mut changed);
    let response = bindings(&changed, request, policy, now, random);
    match effect {
        Effect::Store => {
            changed.prune(now);
            Outcome::Write { record: changed, response }
        }
        Effect::Memory => {
            *record = changed;
            Outcome::Done(response)
        }
    }
}

/// Whether a change concerns the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    Memory,
    Store,
}

/// How a request stands to what its Call-ID did before.
enum Order {
    New,
    /// The very request that made what stands: answered, not applied.
    Replayed,
    /// Older than what stands, or not the request that made it.
    Late,
}

fn is_well_formed(request: &RegisterRequest) -> bool {
    let flows = request.contacts.iter().filter(|contact| contact.reg_id > 0 && contact.expires > 0).count();
    let path: usize = request.path.iter().map(|value| value.len() + 1).sum();
    let shared = request.flow.len() + path + request.received.len() + request.transport.len() + request.proxy.len();
    let is_short = |contact: &ContactUpdate| {
        contact.uri.len() + contact.instance.len() + contact.params.len() + shared + record::USER_AGENT <= TEXT
    };
    let star = !request.all || (request.expires == 0 && request.contacts.is_empty());
    // RFC 5626 §6: one flow a REGISTER, and a flow belongs to an instance.
    star && flows <= 1
        && request
            .contacts
            .iter()
            .all(|contact| is_short(contact) && (contact.reg_id == 0 || !contact.instance.is_empty()))
        && request.contacts.len() <= CONTACTS
        && !request.path.iter().any(|value| value.contains('\n'))
}

/// RFC 3261 §10.3 steps 6 and 7. A removed binding is still known here, so that what was sent before the removal comes late.
fn order(record: &Record, request: &RegisterRequest, call: u64, now: u32) -> Order {
    let own = || record.bindings.iter().filter(move |binding| binding.call == call && binding.expires_at > now);
    let mut replayed = 0;
    if request.all {
        for binding in own() {
            match (request.cseq.cmp(&binding.cseq), binding.state) {
                (Ordering::Greater, _) => {}
                (Ordering::Equal, State::Removed) => replayed += 1,
                (Ordering::Equal, State::Live) | (Ordering::Less, _) => return Order::Late,
            }
        }
        return if replayed > 0 { Order::Replayed } else { Order::New };
    }
    if own().any(|binding| is_star(binding) && request.cseq <= binding.cseq) {
        return Order::Late;
    }
    for contact in &request.contacts {
        let Some(binding) = find(record, contact, now).map(|index| &record.bindings[index]) else { continue };
        if binding.call != call || request.cseq > binding.cseq {
            continue;
        }
        let was_other = binding.state == State::Live && contact.expires == 0;
        if request.cseq < binding.cseq || was_other {
            return Order::Late;
        }
        replayed += 1;
    }
    match replayed {
        0 => Order::New,
        n if n == request.contacts.len() => Order::Replayed,
        _ => Order::Late,
    }
}

/// Whether this nonce-count was used, or a newer nonce for something that the request would change.
fn is_nonce_used(record: &Record, request: &RegisterRequest, now: u32) -> bool {
    let is_newer =
        |binding: &Binding| request.nonce_issued_at > 0 && binding.counts.issued_at > request.nonce_issued_at;
    let is_changed = |binding: &Binding| match request.all {
        true => binding.is_live(now),
        false => is_star(binding) || request.contacts.iter().any(|contact| is_same(binding, contact)),
    };
    let is_used = |binding: &Binding| match binding.counts.nonce == request.nonce {
        true => binding.counts.is_used(request.nonce_count),
        false => binding.expires_at > now && is_newer(binding) && is_changed(binding),
    };
    request.nonce != 0 && record.bindings.iter().any(is_used)
}

/// Every binding that this request touched, or that the same nonce authenticated, learns the count.
fn note_nonce(record: &mut Record, request: &RegisterRequest, call: u64) {
    if request.nonce == 0 {
        return;
    }
    let known = record.bindings.iter().map(|binding| binding.counts).find(|counts| counts.nonce == request.nonce);
    let counts = match known {
        Some(counts) => counts.with(request.nonce_count),
        None => NonceCounts::first(request.nonce, request.nonce_issued_at, request.nonce_count),
    };
    for binding in &mut record.bindings {
        if binding.counts.nonce == request.nonce || (binding.call == call && binding.cseq == request.cseq) {
            binding.counts = counts;
        }
    }
}

/// Whether this contact only extends a live binding, and the store's expiry covers the extension without lasting longer than one
/// written now would.
fn is_absorbed(record: &Record, request: &RegisterRequest, contact: &ContactUpdate, grant: &Grant) -> bool {
    let Some(binding) = find(record, contact, grant.now).map(|index| &record.bindings[index]) else { return false };
    let (expires_at, stored_until) = grant.of(contact);
    contact.expires > 0
        && binding.is_live(grant.now)
        && (expires_at..=stored_until).contains(&binding.stored_until)
        // A temporary GRUU lives as long as the Call-ID, so the store must know it.
        && (contact.instance.is_empty() || binding.call == grant.call)
        && same_route(binding, request, contact)
}

fn apply(record: &mut Record, request: &RegisterRequest, contact: &ContactUpdate, grant: &Grant) -> Effect {
    let found = find(record, contact, grant.now);
    if contact.expires == 0 {
        let was_live = found.is_some_and(|index| record.bindings[index].is_live(grant.now));
        let mut memory = contact::without_route(contact);
        memory.counts = found.map(|index| record.bindings[index].counts).unwrap_or_default();
        remember(&mut memory, request, grant.now);
        match found {
            Some(index) => record.bindings[index] = memory,
            None => record.bindings.push(memory),
        }
        return if was_live { Effect::Store } else { Effect::Memory };
    }
    let mut binding = contact::binding(request, contact);
    grant.refresh(&mut binding, contact, request);
    binding.stored_until = grant.of(contact).1;
    match found {
        Some(index) => {
            binding.counts = record.bindings[index].counts;
            record.bindings[index] = binding;
        }
        None => record.bindings.push(binding),
    }
    Effect::Store
}

fn remove_all(record: &mut Record, request: &RegisterRequest, now: u32) -> Effect {
    let mut effect = Effect::Memory;
    for binding in record.bindings.iter_mut().filter(|binding| binding.is_live(now)) {
        if binding.call == call_of(request) {
            binding.cseq = request.cseq;
        }
        // Another phone's binding keeps its Call-ID: what that phone sent before is as late as what this one did.
        forget(binding, now);
        effect = Effect::Store;
    }
    let mut star = contact::without_route(&ContactUpdate { uri: STAR.into(), ..ContactUpdate::default() });
    remember(&mut star, request, now);
    record.bindings.push(star);
    effect
}

/// Makes a binding the memory of what this request removed.
fn remember(binding: &mut Binding, request: &RegisterRequest, now: u32) {
    binding.call = call_of(request);
    binding.cseq = request.cseq;
    forget(binding, now);
}

fn forget(binding: &mut Binding, now: u32) {
    binding.state = State::Removed;
    binding.expires_at = now.saturating_add(REMEMBERED);
}

/// Holds the number of memories, the oldest first to go.
fn hold_memories(record: &mut Record) {
    let is_memory = |binding: &Binding| binding.state == State::Removed;
    while record.bindings.iter().filter(|binding| is_memory(binding)).count() > MEMORIES {
        let memories = record.bindings.iter().enumerate().filter(|(_, binding)| is_memory(binding));
        let Some((oldest, _)) = memories.min_by_key(|(_, binding)| binding.expires_at) else { return };
        record.bindings.remove(oldest);
    }
}

fn is_star(binding: &Binding) -> bool {
    binding.state == State::Removed && binding.texts().uri == STAR
}

/// More contacts than the user may have.
struct TooMany;

fn hold_limit(record: &mut Record, contacts: &[ContactUpdate], policy: &Policy<'_>, now: u32) -> Result<(), TooMany> {
    let wanted = contacts.iter().filter(|contact| contact.expires > 0).count();
    let live = record.live(now).count();
    let Some(excess) = live.checked_sub(policy.contacts).filter(|&excess| excess > 0 && wanted > 0) else {
        return Ok(());
    };
    if wanted > policy.contacts || policy.overflow == Overflow::Refuse {
        return Err(TooMany);
    }
    for _ in 0..excess {
        // What this request made or refreshed is the newest; of equals the first goes.
        let is_own = |binding: &Binding| contacts.iter().any(|contact| is_same(binding, contact));
        let candidates = record.bindings.iter().enumerate().filter(|(_, b)| b.is_live(now) && !is_own(b));
        if let Some((oldest, _)) = candidates.min_by_key(|(_, binding)| binding.registered_at) {
            forget(&mut record.bindings[oldest], now);
        }
    }
    Ok(())
}

/// What a request is given: how long, and as what it is remembered.
struct Grant {
    call: u64,
    now: u32,
    max: u32,
    min: u32,
    random: u64,
}

impl Grant {
    fn new(call: u64, policy: &Policy<'_>, now: u32, random: u64) -> Grant {
        Grant { call, now, max: policy.max_expires, min: policy.min_expires, random }
    }

    /// When the phone must be back, up to a tenth earlier than asked so that phones spread out, and what the store is told.
    fn of(&self, contact: &ContactUpdate) -> (u32, u32) {
        let longest = contact.expires.min(self.max);
        let shortest = (longest - longest / 10).max(self.min.min(longest));
        let granted = longest - (self.random % u64::from(longest - shortest + 1)) as u32;
        (self.now.saturating_add(granted), self.now.saturating_add(longest.saturating_mul(2)))
    }

    fn refresh(&self, binding: &mut Binding, contact: &ContactUpdate, request: &RegisterRequest) {
        binding.call = self.call;
        binding.cseq = request.cseq;
        binding.expires_at = self.of(contact).0;
        binding.registered_at = self.now;
    }
}

fn call_of(request: &RegisterRequest) -> u64 {
    proto::ring::hash(request.call_id.as_bytes())
}

/// Contacts in one REGISTER at most.
const CONTACTS: usize = 32;
/// Removals that a record remembers.
const MEMORIES: usize = 16;
/// The URI of the memory of a `Contact: *`.
const STAR: &str = "*";

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
