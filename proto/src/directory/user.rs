//! A user, in about 200 bytes, so that a million of them fit any machine.

use super::model::{Dtmf, Forward, Media, Recording, Srtp, VoicemailBox};
use super::symbols::Symbol;
use serde::{Deserialize, Serialize};
use sip::digest::{Algorithm, Ha1};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Someone who can register and be called.
#[derive(Clone, PartialEq)]
pub struct User {
    /// Name, extension and caller id, one behind the other.
    text: Arc<str>,
    rare: Option<Arc<Rare>>,
    sha256: [u8; 32],
    md5: [u8; 16],
    ring_ms: u32,
    name_end: u8,
    extension_end: u8,
    domain: Symbol,
    class: Option<Symbol>,
    site: Option<Symbol>,
    contacts: Contacts,
    media: Option<Media>,
    origin: Origin,
}

/// How many bindings a user may have, and what happens to one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contacts {
    /// At most so many, 1-100.
    pub limit: u8,
    /// What makes room for one more.
    pub when_full: WhenFull,
}

/// What happens to a REGISTER with one contact too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// The binding that was refreshed longest ago goes.
    OldestGoes,
    /// It is refused.
    Refuse,
}

/// Where a user came from, which decides whether `apply` may take it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A directory file: the next `apply` replaces it.
    File,
    /// `import`: it stays until a directory file names it.
    Import,
}

/// What few users have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rare {
    /// Language of prompts, such as `fr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Box<str>>,
    /// Whether the media between us and the user's phones is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub srtp: Option<Srtp>,
    /// The codecs that the user's phones are offered and answered, the preferred one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub codecs: Vec<Box<str>>,
    /// How the user's phones are told of keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dtmf: Option<Dtmf>,
    /// The user's own voicemail box.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voicemail: Option<VoicemailBox>,
    /// Where calls go that the user does not take.
    #[serde(skip_serializing_if = "Forward::is_empty")]
    pub forward: Forward,
    /// Which of the user's calls are recorded.
    pub record: Recording,
}

/// HA1 of a password for each algorithm; neither opens the other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hashes {
    /// For SHA-256.
    pub sha256: [u8; 32],
    /// For MD5.
    pub md5: [u8; 16],
}

/// All that a [`User`] is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct UserParts<'a> {
    pub name: &'a str,
    pub extension: &'a str,
    pub caller_id: &'a str,
    pub hashes: Hashes,
    pub ring: Duration,
    pub domain: Symbol,
    pub class: Option<Symbol>,
    pub site: Option<Symbol>,
    pub contacts: Contacts,
    pub media: Option<Media>,
    pub origin: Origin,
    pub rare: Rare,
}

/// How long a user's phones ring where the directory does not say.
pub const DEFAULT_RING: Duration = Duration::from_secs(30);

/// The bindings that a user may have where the directory does not say: a desk phone, a softphone, a browser and some slack.
pub const DEFAULT_CONTACTS: Contacts = Contacts { limit: 10, when_full: WhenFull::OldestGoes };

/// The longest caller id, in bytes.
pub const MAX_CALLER_ID: usize = 250;

impl User {
    /// The name, which is the user part of the AOR; in lower case.
    pub fn name(&self) -> &str {
        &self.text[..usize::from(self.name_end)]
    }

    /// The extension; `None` for a user reached by name only.
    pub fn extension(&self) -> Option<&str> {
        non_empty(&self.text[usize::from(self.name_end)..usize::from(self.extension_end)])
    }

    /// What a called phone shows, as the directory has it: `Alice Martin <6001>`, `Alice Martin` or `6001`.
    pub fn caller_id(&self) -> Option<&str> {
        non_empty(&self.text[usize::from(self.extension_end)..])
    }

    /// The name part of the caller id.
    pub fn caller_name(&self) -> Option<&str> {
        let caller_id = self.caller_id()?;
        let name = caller_id.split_once('<').map_or(caller_id, |(name, _)| name).trim();
        if is_number(name) { None } else { non_empty(name) }
    }

    /// The number part of the caller id, or else the extension.
    pub fn caller_number(&self) -> Option<&str> {
        let shown = self.caller_id().and_then(|caller_id| match caller_id.split_once('<') {
            Some((_, rest)) => non_empty(rest.trim_end().trim_end_matches('>').trim()),
            None => Some(caller_id).filter(|text| is_number(text)),
        });
        shown.or(self.extension())
    }

    /// What the password's HA1 is for this algorithm, with the domain's name as realm; `None` for a user without a password,
    /// who cannot authenticate.
    pub fn ha1(&self, algorithm: Algorithm) -> Option<Ha1> {
        if self.hashes() == Hashes::NONE {
            return None;
        }
        Some(match algorithm {
            Algorithm::Sha256 => Ha1::Sha256(self.sha256),
            Algorithm::Md5 => Ha1::Md5(self.md5),
        })
    }

    /// How long the phones ring before the call counts as not answered.
    pub fn ring(&self) -> Duration {
        Duration::from_millis(self.ring_ms.into())
    }

    /// How many bindings the user may have.
    pub fn contacts(&self) -> Contacts {
        self.contacts
    }

    /// The user's own choice of the media's way; `None`: the domain's.
    pub fn media(&self) -> Option<Media> {
        self.media
    }

    /// File or import.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Language of prompts, where the user has one.
    pub fn language(&self) -> Option<&str> {
        self.rare.as_ref()?.language.as_deref()
    }

    /// The codecs that the user's phones are offered and answered; empty: the domain's.
    pub fn codecs(&self) -> &[Box<str>] {
        self.rare.as_ref().map(|rare| &*rare.codecs).unwrap_or_default()
    }

    /// How the user's phones are told of keys, if not as the domain says.
    pub fn dtmf(&self) -> Option<Dtmf> {
        self.rare.as_ref()?.dtmf
    }

    /// The user's own choice of encryption; `None`: the domain's.
    pub fn srtp(&self) -> Option<Srtp> {
        self.rare.as_ref()?.srtp
    }

    /// The user's own voicemail box.
    pub fn voicemail(&self) -> Option<&VoicemailBox> {
        self.rare.as_ref()?.voicemail.as_ref()
    }

    /// Where calls go that the user does not take.
    pub fn forward(&self) -> &Forward {
        const NONE: &Forward = &Forward { busy: None, no_answer: None, offline: None };
        self.rare.as_ref().map_or(NONE, |rare| &rare.forward)
    }

    /// Which of the user's calls are recorded.
    pub fn record(&self) -> Recording {
        self.rare.as_ref().map_or(Recording::Never, |rare| rare.record)
    }

    /// Whether both are the same user, at whatever time.
    pub(super) fn is_same_as(&self, other: &User) -> bool {
        self.name() == other.name() && self.domain == other.domain
    }

    pub(super) fn domain(&self) -> Symbol {
        self.domain
    }

    pub(super) fn class(&self) -> Option<Symbol> {
        self.class
    }

    pub(super) fn site(&self) -> Option<Symbol> {
        self.site
    }

    pub(super) fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    pub(super) fn hashes(&self) -> Hashes {
        Hashes { sha256: self.sha256, md5: self.md5 }
    }

    /// Texts must be within [`MAX_NAME`](super::buckets::MAX_NAME) and [`MAX_CALLER_ID`], the ring time within 49 days.
    pub(super) fn new(parts: UserParts<'_>) -> User {
        let UserParts { name, extension, caller_id, hashes, ring, domain, class, site, contacts, media, origin, rare } =
            parts;
        let end = |length: usize| u8::try_from(length).expect("the parser limits names and extensions to 64 bytes");
        User {
            text: [name, extension, caller_id].concat().into(),
            rare: if rare == Rare::default() { None } else { Some(Arc::new(rare)) },
            sha256: hashes.sha256,
            md5: hashes.md5,
            ring_ms: u32::try_from(ring.as_millis()).unwrap_or(u32::MAX),
            name_end: end(name.len()),
            extension_end: end(name.len() + extension.len()),
            domain,
            class,
            site,
            contacts,
            media,
            origin,
        }
    }
}

impl fmt::Debug for User {
    /// Without hashes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name())
            .field("extension", &self.extension())
            .field("caller_id", &self.caller_id())
            .field("rare", &self.rare)
            .finish_non_exhaustive()
    }
}

impl Hashes {
    /// Those of nobody's password.
    pub const NONE: Hashes = Hashes { sha256: [0; 32], md5: [0; 16] };

    /// Of a password as typed; `user` and `realm` as a phone will send them.
    pub fn of(user: &str, realm: &str, password: &str) -> Hashes {
        let mut hashes = Hashes::NONE;
        for algorithm in [Algorithm::Sha256, Algorithm::Md5] {
            match Ha1::compute(algorithm, user, realm, password) {
                Ha1::Sha256(hash) => hashes.sha256 = hash,
                Ha1::Md5(hash) => hashes.md5 = hash,
            }
        }
        hashes
    }
}

impl fmt::Debug for Hashes {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hashes")
    }
}

fn non_empty(text: &str) -> Option<&str> {
    if text.is_empty() { None } else { Some(text) }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || b"+*#".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::symbols::Symbols;

    fn user(extension: &str, caller_id: &str) -> User {
        let domain = Symbols::default().intern("tandem.local").unwrap();
        User::new(UserParts {
            name: "alice",
            extension,
            caller_id,
            hashes: Hashes::of("alice", "tandem.local", "secret"),
            ring: DEFAULT_RING,
            domain,
            class: None,
            site: None,
            contacts: DEFAULT_CONTACTS,
            media: None,
            origin: Origin::File,
            rare: Rare::default(),
        })
    }

    #[test]
    fn a_plain_user_is_small() {
        assert!(size_of::<User>() <= 96, "{}", size_of::<User>());
        assert!(user("6001", "Alice <6001>").rare.is_none());
    }

    #[test]
    fn caller_id_has_a_name_and_a_number() {
        for (extension, caller_id, name, number) in [
            ("6001", "Alice Martin <+33140000001>", Some("Alice Martin"), Some("+33140000001")),
            ("6001", "Alice Martin", Some("Alice Martin"), Some("6001")),
            ("6001", "6009", None, Some("6009")),
            ("6001", "<6009>", None, Some("6009")),
            ("6001", "", None, Some("6001")),
            ("", "Alice", Some("Alice"), None),
        ] {
            let user = user(extension, caller_id);
            assert_eq!((user.caller_name(), user.caller_number()), (name, number), "{caller_id}");
        }
    }

    #[test]
    fn passwords_do_not_show() {
        let user = user("6001", "");
        assert_eq!(user.ha1(Algorithm::Md5), Some(Ha1::compute(Algorithm::Md5, "alice", "tandem.local", "secret")));
        assert_eq!(
            format!("{user:?}"),
            "User { name: \"alice\", extension: Some(\"6001\"), caller_id: None, rare: None, .. }"
        );
    }
}
