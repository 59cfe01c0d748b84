//! Where a rule of the directory sends a call, before it is known who dials what.

use std::fmt;
use std::str::FromStr;

/// A value such as `to = "menu:welcome"`: what a number, a menu's key, a queue's overflow or a forward leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// `user:NAME`, by name or extension, with or without `@domain`.
    User(Template),
    /// `echo`
    Echo,
    /// `say:TEXT`
    Say(Box<str>),
    /// `play:FILE`
    Play(Box<str>),
    /// `hangup`
    Hangup,
    /// `menu:NAME`
    Menu(Box<str>),
    /// `queue:NAME`
    Queue(Box<str>),
    /// `conference:NAME`
    Conference(Box<str>),
    /// `voicemail`: the box of whoever is called; in a forward only.
    OwnVoicemail,
    /// `voicemail:NAME`: a shared box or a user's.
    Voicemail(Template),
    /// `parking:NAME`
    Parking(Box<str>),
    /// `trunk:NAME`
    Trunk(Box<str>),
}

/// Why a text is no [`Destination`] or [`Template`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// An unknown word in front; the nearest known one, where one is near.
    #[error("is no destination")]
    Kind,
    /// Nothing behind the colon.
    #[error("names nothing behind \"{0}:\"")]
    Name(&'static str),
    /// Something behind `echo` or `hangup`.
    #[error("has something behind \"{0}\", which stands alone")]
    Alone(&'static str),
    /// A `{..}` other than `{number}` and `{number:N}`.
    #[error("has a {{..}} other than {{number}} and {{number:N}}, N digits left out in front")]
    Template,
}

/// The words in front of a destination.
pub const KINDS: [&str; 11] =
    ["user", "echo", "say", "play", "hangup", "menu", "queue", "conference", "voicemail", "parking", "trunk"];

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Destination, DestinationError> {
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (kind, Some(rest)),
            None => (text, None),
        };
        let kind = *KINDS.iter().find(|&&known| known == kind).ok_or(DestinationError::Kind)?;
        let name = || match rest {
            Some(rest) if !rest.trim().is_empty() => Ok(rest),
            Some(_) | None => Err(DestinationError::Name(kind)),
        };
        let alone = |destination| if rest.is_none() { Ok(destination) } else { Err(DestinationError::Alone(kind)) };
        match kind {
            "echo" => alone(Destination::Echo),
            "hangup" => alone(Destination::Hangup),
            "user" => Ok(Destination::User(name()?.parse()?)),
            "say" => Ok(Destination::Say(name()?.into())),
            "play" => Ok(Destination::Play(name()?.into())),
            "menu" => Ok(Destination::Menu(name()?.into())),
            "queue" => Ok(Destination::Queue(name()?.into())),
            "conference" => Ok(Destination::Conference(name()?.into())),
            "voicemail" if rest.is_none() => Ok(Destination::OwnVoicemail),
            "voicemail" => Ok(Destination::Voicemail(name()?.parse()?)),
            "parking" => Ok(Destination::Parking(name()?.into())),
            "trunk" => Ok(Destination::Trunk(name()?.into())),
            _ => Err(DestinationError::Kind),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::User(user) => write!(f, "user:{user}"),
            Destination::Echo => f.write_str("echo"),
            Destination::Say(text) => write!(f, "say:{text}"),
            Destination::Play(file) => write!(f, "play:{file}"),
            Destination::Hangup => f.write_str("hangup"),
            Destination::Menu(menu) => write!(f, "menu:{menu}"),
            Destination::Queue(queue) => write!(f, "queue:{queue}"),
            Destination::Conference(conference) => write!(f, "conference:{conference}"),
            Destination::OwnVoicemail => f.write_str("voicemail"),
            Destination::Voicemail(owner) => write!(f, "voicemail:{owner}"),
            Destination::Parking(lot) => write!(f, "parking:{lot}"),
            Destination::Trunk(trunk) => write!(f, "trunk:{trunk}"),
        }
    }
}

/// A text with `{number}`, what was dialled, or `{number:N}`, the same without its first N characters: `+33{number:1}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Box<str>);

impl Template {
    /// The text itself, where it holds no `{..}`.
    pub fn fixed(&self) -> Option<&str> {
        if self.0.contains('{') { None } else { Some(&self.0) }
    }

    /// The text for this dialled number.
    pub fn fill(&self, number: &str) -> String {
        let mut filled = String::new();
        let mut rest = &*self.0;
        while let Some((before, after)) = rest.split_once('{') {
            let (hole, behind) = after.split_once('}').unwrap_or((after, ""));
            filled.push_str(before);
            filled.push_str(number.get(left_out(hole).unwrap_or(0)..).unwrap_or(""));
            rest = behind;
        }
        filled.push_str(rest);
        filled
    }
}

/// How many characters the inside of a `{..}` leaves out.
fn left_out(hole: &str) -> Option<usize> {
    match hole.strip_prefix("number")? {
        "" => Some(0),
        digits => digits.strip_prefix(':')?.parse().ok(),
    }
}

impl FromStr for Template {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Template, DestinationError> {
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (hole, behind) = after.split_once('}').ok_or(DestinationError::Template)?;
            if before.contains('}') || left_out(hole).is_none() {
                return Err(DestinationError::Template);
            }
            rest = behind;
        }
        if rest.contains('}') { Err(DestinationError::Template) } else { Ok(Template(text.into())) }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_with_the_number() {
        for (template, number, filled) in [
            ("+33{number:1}", "0140000000", "+33140000000"),
            ("60{number:10}", "+33140000012", "6012"),
            ("{number}", "5001", "5001"),
            ("{number}-{number:3}", "5001", "5001-1"),
            ("{number:9}", "5001", ""),
            ("6001", "5001", "6001"),
        ] {
            assert_eq!(template.parse::<Template>().unwrap().fill(number), filled);
        }
    }

    #[test]
    fn bad_templates_are_refused() {
        for text in ["{", "}", "{}", "{digits}", "{number:}", "{number:-1}", "{number:x}", "a}b{number}", "{number"] {
            assert_eq!(text.parse::<Template>(), Err(DestinationError::Template), "{text}");
        }
    }

    #[test]
    fn destinations_come_back_from_their_text() {
        for text in [
            "user:bob",
            "user:bob@tandem.local",
            "user:{number:2}",
            "echo",
            "hangup",
            "say:Un, deux: trois.",
            "play:a.wav",
            "menu:m",
            "queue:q",
            "conference:c",
            "voicemail",
            "voicemail:support",
            "voicemail:{number}",
            "parking:lot",
            "trunk:carrier",
        ] {
            assert_eq!(text.parse::<Destination>().unwrap().to_string(), text);
        }
        for (text, why) in [
            ("", DestinationError::Kind),
            ("users:bob", DestinationError::Kind),
            ("menu", DestinationError::Name("menu")),
            ("say: ", DestinationError::Name("say")),
            ("echo:1", DestinationError::Alone("echo")),
            ("user:{n}", DestinationError::Template),
        ] {
            assert_eq!(text.parse::<Destination>(), Err(why), "{text}");
        }
    }
}
