//! The bindings of one address-of-record: compact, because there are a million of them.

use super::nonce::NonceCounts;
use prost::Message;
use proto::wire;

/// Everything known of one AOR's registrations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// In the order in which they were made; without the AOR itself, which is the key.
    pub bindings: Vec<Binding>,
}

/// One contact of a user, or the memory of a removed one: 88 bytes, and one allocation with its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// All texts, one behind the other.
    pub(super) texts: Box<str>,
    /// Where each but the last ends.
    pub(super) ends: [u16; TEXTS - 1],
    /// [`proto::ring::hash`] of the Call-ID of the REGISTER that made or refreshed it.
    pub call: u64,
    /// That REGISTER's CSeq.
    pub cseq: u32,
    /// Unix seconds: what the phone was told. For a removed one: when it is forgotten.
    pub expires_at: u32,
    /// Unix seconds: the expiry that the store has, later by the slack.
    pub stored_until: u32,
    /// Unix seconds of the newest refresh.
    pub registered_at: u32,
    /// The counts seen with the newest nonce that authenticated it.
    pub counts: NonceCounts,
    /// RFC 5626; 0 = none.
    pub reg_id: u32,
    /// 0–1000.
    pub q: u16,
    /// Whether calls go to it.
    pub state: State,
}

/// Whether a binding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Until `expires_at`.
    Live,
    /// Kept for a while so that a late REGISTER from before the removal changes nothing. With the URI `*`: the memory of a
    /// REGISTER that removed all.
    Removed,
}

/// The texts of a binding, borrowed: to compare with and to build from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Texts<'a> {
    /// Contact URI.
    pub uri: &'a str,
    /// `+sip.instance`, "" = none.
    pub instance: &'a str,
    /// Other contact parameters as received.
    pub params: &'a str,
    /// Flow token.
    pub flow: &'a str,
    /// Path values, one a line.
    pub path: &'a str,
    /// Source address.
    pub received: &'a str,
    /// "udp", "tcp", "tls", "ws", "wss".
    pub transport: &'a str,
    /// User-Agent, cut to [`USER_AGENT`] bytes.
    pub user_agent: &'a str,
    /// The proxy it came through.
    pub proxy: &'a str,
}

/// All texts of a binding together have at most this many bytes.
pub const TEXT: usize = 4096;
/// So much of a User-Agent is kept.
pub const USER_AGENT: usize = 64;
const TEXTS: usize = 9;

impl Record {
    /// Reads the store's form.
    pub fn decode(bytes: &[u8]) -> Result<Record, prost::DecodeError> {
        let stored = wire::StoredRecord::decode(bytes)?;
        Ok(Record { bindings: stored.bindings.iter().filter_map(Binding::from_stored).collect() })
    }

    /// The store's form: live bindings with the expiry that leaves slack; `None` when nothing is left to keep.
    pub fn encode(&self, now: u32) -> Option<Vec<u8>> {
        let bindings: Vec<_> = self.live(now).map(Binding::to_stored).collect();
        (!bindings.is_empty()).then(|| wire::StoredRecord { bindings }.encode_to_vec())
    }

    /// The bindings that stand at `now`.
    pub fn live(&self, now: u32) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(move |binding| binding.is_live(now))
    }

    /// When the next binding, standing or removed, can be dropped; `u32::MAX` with none.
    pub fn next_expiry(&self) -> u32 {
        self.bindings.iter().map(|binding| binding.expires_at).min().unwrap_or(u32::MAX)
    }

    /// Drops what is over.
    pub fn prune(&mut self, now: u32) {
        self.bindings.retain(|binding| binding.expires_at > now);
        self.bindings.shrink_to_fit();
    }
}

impl Binding {
    /// A live binding with these texts and nothing else known.
    pub fn new(texts: Texts<'_>) -> Binding {
        let mut all = String::with_capacity(texts.length());
        let mut ends = [0; TEXTS - 1];
        for (index, text) in texts.all().into_iter().enumerate() {
            all.push_str(text);
            if let Some(end) = ends.get_mut(index) {
                *end = u16::try_from(all.len()).expect("the registrar refuses texts longer than TEXT");
            }
        }
        Binding {
            texts: all.into_boxed_str(),
            ends,
            call: 0,
            cseq: 0,
            expires_at: 0,
            stored_until: 0,
            registered_at: 0,
            counts: NonceCounts::default(),
            reg_id: 0,
            q: 0,
            state: State::Live,
        }
    }

    /// Its texts.
    pub fn texts(&self) -> Texts<'_> {
        let text = |index: usize| {
            let start = if index == 0 { 0 } else { usize::from(self.ends[index - 1]) };
            let end = self.ends.get(index).map_or(self.texts.len(), |&end| usize::from(end));
            &self.texts[start..end]
        };
        Texts {
            uri: text(0),
            instance: text(1),
            params: text(2),
            flow: text(3),
            path: text(4),
            received: text(5),
            transport: text(6),
            user_agent: text(7),
            proxy: text(8),
        }
    }

    /// Whether calls go to it at `now`.
    pub fn is_live(&self, now: u32) -> bool {
        self.state == State::Live && self.expires_at > now
    }

    /// Whether the store has it: everything but the memory of a removal.
    pub fn is_kept(&self) -> bool {
        self.state == State::Live
    }

    fn to_stored(&self) -> wire::StoredBinding {
        let texts = self.texts();
        wire::StoredBinding {
            uri: texts.uri.into(),
            call: self.call,
            cseq: self.cseq,
            q: u32::from(self.q),
            instance: texts.instance.into(),
            reg_id: self.reg_id,
            params: texts.params.into(),
            flow: texts.flow.into(),
            path: texts.path.into(),
            received: texts.received.into(),
            transport: texts.transport.into(),
            user_agent: texts.user_agent.into(),
            until: self.stored_until,
            registered_at: self.registered_at,
            proxy: texts.proxy.into(),
        }
    }

    /// A binding read back lasts as long as the store says, because refreshes may have been kept in memory only.
    fn from_stored(stored: &wire::StoredBinding) -> Option<Binding> {
        let texts = Texts {
            uri: &stored.uri,
            instance: &stored.instance,
            params: &stored.params,
            flow: &stored.flow,
            path: &stored.path,
            received: &stored.received,
            transport: &stored.transport,
            user_agent: &stored.user_agent,
            proxy: &stored.proxy,
        };
        (texts.length() <= TEXT).then(|| Binding {
            call: stored.call,
            cseq: stored.cseq,
            expires_at: stored.until,
            stored_until: stored.until,
            registered_at: stored.registered_at,
            reg_id: stored.reg_id,
            q: u16::try_from(stored.q).unwrap_or(1000),
            ..Binding::new(texts)
        })
    }
}

impl<'a> Texts<'a> {
    /// Bytes of all together.
    pub fn length(&self) -> usize {
        self.all().iter().map(|text| text.len()).sum()
    }

    fn all(&self) -> [&'a str; TEXTS] {
        [
            self.uri,
            self.instance,
            self.params,
            self.flow,
            self.path,
            self.received,
            self.transport,
            self.user_agent,
            self.proxy,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_gives_back_what_was_written_with_the_slack_as_expiry() {
        let texts = Texts {
            uri: "sip:a@192.0.2.1",
            instance: "urn:uuid:1",
            params: ";a=b",
            flow: "flow",
            path: "<sip:p1>\n<sip:p2>",
            received: "192.0.2.1:5060",
            transport: "udp",
            user_agent: "phone",
            proxy: "p",
        };
        let binding = Binding {
            call: 7,
            cseq: 9,
            q: 500,
            expires_at: 100,
            stored_until: 200,
            registered_at: 40,
            ..Binding::new(texts)
        };
        assert_eq!(binding.texts(), texts);
        let gone = Binding { state: State::Removed, expires_at: 100, ..binding.clone() };
        let record = Record { bindings: vec![binding.clone(), gone.clone()] };
        let read = Record::decode(&record.encode(50).unwrap()).unwrap();
        assert_eq!(read.bindings, [Binding { expires_at: 200, ..binding }]);
        assert_eq!(Record { bindings: vec![gone] }.encode(50), None, "a removed binding is not stored");
        assert_eq!(record.encode(100), None, "an expired one neither");
    }

    #[test]
    fn a_binding_costs_88_bytes_beside_its_texts() {
        assert!(size_of::<Binding>() <= 88, "{}", size_of::<Binding>());
    }
}
