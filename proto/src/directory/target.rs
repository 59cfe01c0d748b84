//! Where a call goes, as the header `Tandem-Target` carries it from proxy to media node.

use std::fmt;
use std::str::FromStr;

/// What a dialled number means. As text: `user:bob@tandem.local`, `echo`, `say:Bonjour%2C%20ici`, with parameters behind `;`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// The bindings of a user.
    User {
        /// `user@domain`, with the domain's own name.
        aor: String,
        /// Only the binding of this instance (GRUU, RFC 5627).
        instance: Option<String>,
    },
    /// Sends back what it hears.
    Echo,
    /// Speaks this text.
    Say(String),
    /// Plays this sound.
    Play(String),
    /// Ends the call.
    Hangup,
    /// A menu by its name.
    Menu(String),
    /// A queue by its name.
    Queue(String),
    /// A conference by its name.
    Conference(String),
    /// Leaves a message in the box of a user (`user@domain`) or in a shared one (its name).
    Voicemail(String),
    /// Listens to the box of a user (`user@domain`) or to a shared one (its name).
    Mailbox(String),
    /// Parks the other party in this lot, or takes back whoever is in a slot of it.
    Parking {
        /// The lot's name.
        lot: String,
        /// The slot's number; none parks in the first free one.
        slot: Option<String>,
    },
    /// Out through a trunk.
    Trunk {
        /// The trunk's name.
        trunk: String,
        /// The number that the trunk is asked for.
        number: String,
    },
}

/// Not the text of a [`Target`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no target of a call")]
pub struct TargetError;

impl Target {
    /// All bindings of a user.
    pub fn user(aor: impl Into<String>) -> Target {
        Target::User { aor: aor.into(), instance: None }
    }

    /// What the ring is asked by for the shard of such a call: a room has one, whoever calls it; every other call has its own.
    pub fn ring_key<'t>(&'t self, call_id: &'t str) -> &'t str {
        match self {
            Target::Conference(name) => name,
            _ => call_id,
        }
    }

    /// The word in front: what kind of target it is, as metrics and call reports name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Target::User { .. } => "user",
            Target::Echo => "echo",
            Target::Say(_) => "say",
            Target::Play(_) => "play",
            Target::Hangup => "hangup",
            Target::Menu(_) => "menu",
            Target::Queue(_) => "queue",
            Target::Conference(_) => "conference",
            Target::Voicemail(_) => "voicemail",
            Target::Mailbox(_) => "mailbox",
            Target::Parking { .. } => "parking",
            Target::Trunk { .. } => "trunk",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Target::Echo | Target::Hangup => Ok(()),
            Target::User { aor, instance: None } => write!(f, ":{}", Escaped(aor)),
            Target::User { aor, instance: Some(instance) } => {
                write!(f, ":{};instance={}", Escaped(aor), Escaped(instance))
            }
            Target::Parking { lot, slot: None } => write!(f, ":{}", Escaped(lot)),
            Target::Parking { lot, slot: Some(slot) } => write!(f, ":{};slot={}", Escaped(lot), Escaped(slot)),
            Target::Trunk { trunk, number } => write!(f, ":{};number={}", Escaped(trunk), Escaped(number)),
            Target::Say(text)
            | Target::Play(text)
            | Target::Menu(text)
            | Target::Queue(text)
            | Target::Conference(text)
            | Target::Voicemail(text)
            | Target::Mailbox(text) => write!(f, ":{}", Escaped(text)),
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Target, TargetError> {
        let (head, parameter) = match text.split_once(';') {
            Some((head, parameter)) => (head, Some(parameter.split_once('=').ok_or(TargetError)?)),
            None => (text, None),
        };
        let (kind, rest) = match head.split_once(':') {
            Some((kind, rest)) => (kind, Some(unescape(rest)?)),
            None => (head, None),
        };
        let parameter = match parameter {
            Some((name, value)) => Some((name, unescape(value)?)),
            None => None,
        };
        Ok(match (kind, rest, parameter) {
            ("echo", None, None) => Target::Echo,
            ("hangup", None, None) => Target::Hangup,
            ("user", Some(aor), None) => Target::User { aor, instance: None },
            ("user", Some(aor), Some(("instance", instance))) => Target::User { aor, instance: Some(instance) },
            ("say", Some(text), None) => Target::Say(text),
            ("play", Some(sound), None) => Target::Play(sound),
            ("menu", Some(menu), None) => Target::Menu(menu),
            ("queue", Some(queue), None) => Target::Queue(queue),
            ("conference", Some(conference), None) => Target::Conference(conference),
            ("voicemail", Some(owner), None) => Target::Voicemail(owner),
            ("mailbox", Some(owner), None) => Target::Mailbox(owner),
            ("parking", Some(lot), None) => Target::Parking { lot, slot: None },
            ("parking", Some(lot), Some(("slot", slot))) => Target::Parking { lot, slot: Some(slot) },
            ("trunk", Some(trunk), Some(("number", number))) => Target::Trunk { trunk, number },
            (_, _, _) => return Err(TargetError),
        })
    }
}

/// Everything that could end a header value or a parameter is written as `%XX`.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@:+*/!$&'".contains(&byte);
        let mut rest = self.0;
        while let Some(end) = rest.bytes().position(|byte| !is_plain(byte)) {
            write!(f, "{}%{:02X}", &rest[..end], rest.as_bytes()[end])?;
            let mut next = end + 1;
            while !rest.is_char_boundary(next) {
                write!(f, "%{:02X}", rest.as_bytes()[next])?;
                next += 1;
            }
            rest = &rest[next..];
        }
        f.write_str(rest)
    }
}

fn unescape(text: &str) -> Result<String, TargetError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).ok_or(TargetError);
        let byte = digit()? << 4 | digit()?;
        bytes.push(byte as u8);
    }
    String::from_utf8(bytes).map_err(|_| TargetError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_comes_back_from_its_text() {
        let instance = Some("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6".to_owned());
        for (target, text) in [
            (Target::user("bob@tandem.local"), "user:bob@tandem.local"),
            (
                Target::User { aor: "bob@tandem.local".into(), instance },
                "user:bob@tandem.local;instance=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            ),
            (Target::Echo, "echo"),
            (Target::Say("Déjà vu; 100 %\r\n".into()), "say:D%C3%A9j%C3%A0%20vu%3B%20100%20%25%0D%0A"),
            (Target::Play("welcome.wav".into()), "play:welcome.wav"),
            (Target::Hangup, "hangup"),
            (Target::Menu("welcome".into()), "menu:welcome"),
            (Target::Queue("support".into()), "queue:support"),
            (Target::Conference("standup".into()), "conference:standup"),
            (Target::Voicemail("support".into()), "voicemail:support"),
            (Target::Mailbox("alice@tandem.local".into()), "mailbox:alice@tandem.local"),
            (Target::Parking { lot: "lot".into(), slot: None }, "parking:lot"),
            (Target::Parking { lot: "lot".into(), slot: Some("701".into()) }, "parking:lot;slot=701"),
            (
                Target::Trunk { trunk: "carrier".into(), number: "+33140000000".into() },
                "trunk:carrier;number=+33140000000",
            ),
        ] {
            assert_eq!(target.to_string(), text);
            assert_eq!(text.parse(), Ok(target));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "user", "echo:x", "user:bob;slot=1", "say:%4", "say:%FF", "say:%zz", "trunk:carrier", "fax:1"]
        {
            assert_eq!(text.parse::<Target>(), Err(TargetError), "{text}");
        }
    }
}
