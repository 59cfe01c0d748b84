//! Keys in INFO bodies, in the two dialects that phones speak; neither has an RFC.

use std::time::Duration;

use sip::message::{Message, Name};

/// How a phone puts a key into an INFO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `application/dtmf-relay`: `Signal=5` and `Duration=160`, a line each.
    Relay,
    /// `application/dtmf`: the key alone.
    Plain,
}

/// A key that was pressed and released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// 0-9, *, #, A-D.
    pub key: char,
    /// From 40 ms to 6 s, in whole milliseconds; 100 ms if it was not told.
    pub held: Duration,
}

impl Dialect {
    /// The dialect of a Content-Type, whatever its case and parameters.
    pub fn of(content_type: &str) -> Option<Dialect> {
        let kind = content_type.split(';').next()?.trim_ascii();
        [Dialect::Relay, Dialect::Plain].into_iter().find(|dialect| kind.eq_ignore_ascii_case(dialect.content_type()))
    }

    /// Its Content-Type.
    pub fn content_type(self) -> &'static str {
        match self {
            Dialect::Relay => "application/dtmf-relay",
            Dialect::Plain => "application/dtmf",
        }
    }
}

impl Key {
    /// A key of 0-9, *, #, A-D in either case, its length brought between 40 ms and 6 s; None for any other sign.
    pub fn new(key: char, held: Duration) -> Option<Key> {
        let key = key.to_ascii_uppercase();
        let milliseconds = held.as_millis().clamp(SHORTEST, LONGEST) as u64;
        KEYS.contains(key).then_some(Key { key, held: Duration::from_millis(milliseconds) })
    }

    /// The key of an INFO; None if it has none.
    pub(crate) fn of(info: &Message<'_>) -> Option<Key> {
        Key::parse(Dialect::of(info.header(Name::ContentType)?)?, info.body())
    }

    /// The key that a body tells; None if it tells none. A hook flash is none. Numbers of RFC 4733 (10 for *) count as well.
    pub fn parse(dialect: Dialect, body: &[u8]) -> Option<Key> {
        let body = str::from_utf8(body).ok()?;
        let (signal, duration) = match dialect {
            Dialect::Relay => (field(body, "Signal")?, field(body, "Duration")),
            Dialect::Plain => (body.trim(), None),
        };
        let milliseconds = duration.and_then(|duration| duration.parse().ok()).unwrap_or(UNTOLD);
        Key::new(key_of(signal)?, Duration::from_millis(milliseconds))
    }

    /// The Content-Type and the body that tell it.
    pub fn to_body(self, dialect: Dialect) -> (&'static str, String) {
        let body = match dialect {
            Dialect::Relay => format!("Signal={}\r\nDuration={}\r\n", self.key, self.held.as_millis()),
            Dialect::Plain => self.key.to_string(),
        };
        (dialect.content_type(), body)
    }
}

/// What stands behind a name and its equals sign, with or without spaces around both.
fn field<'b>(body: &'b str, name: &str) -> Option<&'b str> {
    body.lines().find_map(|line| {
        let (told, value) = line.split_once('=')?;
        told.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// A sign, or its number if that has two digits.
fn key_of(signal: &str) -> Option<char> {
    let mut signs = signal.chars();
    match (signs.next(), signs.next()) {
        (sign, None) => sign,
        (Some('1'), Some('0'..='5')) => KEYS.chars().nth(signal.parse().ok()?),
        (_, Some(_)) => None,
    }
}

/// At the places that RFC 4733 §3.2 numbers them by.
const KEYS: &str = "0123456789*#ABCD";
/// All in milliseconds. What receivers take for a key in the band.
const SHORTEST: u128 = 40;
const LONGEST: u128 = 6000;
const UNTOLD: u64 = 100;

#[cfg(test)]
mod tests {
    use super::{Dialect, Key};
    use std::time::Duration;

    fn relay(body: &str) -> Option<(char, u128)> {
        Key::parse(Dialect::Relay, body.as_bytes()).map(|key| (key.key, key.held.as_millis()))
    }

    fn plain(body: &str) -> Option<(char, u128)> {
        Key::parse(Dialect::Plain, body.as_bytes()).map(|key| (key.key, key.held.as_millis()))
    }

    #[test]
    fn content_types_are_known_in_any_case_and_with_parameters() {
        assert_eq!(Dialect::of("application/dtmf-relay"), Some(Dialect::Relay));
        assert_eq!(Dialect::of(" Application/DTMF-Relay ; charset=utf-8"), Some(Dialect::Relay));
        assert_eq!(Dialect::of("application/dtmf"), Some(Dialect::Plain));
        for other in ["", "application/dtmf-relays", "application/sdp", "text/plain;application/dtmf"] {
            assert_eq!(Dialect::of(other), None, "{other}");
        }
    }

    #[test]
    fn keys_are_read_in_every_way_that_phones_write_them() {
        assert_eq!(relay("Signal=5\r\nDuration=160\r\n"), Some(('5', 160)));
        assert_eq!(relay("Signal= 5\nDuration= 160\n"), Some(('5', 160)));
        assert_eq!(relay("Duration = 250\r\n signal = #"), Some(('#', 250)), "any order, case and space");
        for (number, key) in "0123456789*#ABCD".chars().enumerate() {
            assert_eq!(relay(&format!("Signal={key}\r\n")), Some((key, 100)));
            assert_eq!(relay(&format!("Signal={}\r\n", key.to_ascii_lowercase())), Some((key, 100)));
            assert_eq!(relay(&format!("Signal={number}\r\n")), Some((key, 100)));
            assert_eq!(plain(&format!("{key}\r\n")), Some((key, 100)));
        }
        assert_eq!(plain(" 5"), Some(('5', 100)));
    }

    #[test]
    fn what_is_no_key_is_none() {
        for body in ["", "\r\n", "Signal=\r\n", "Signal=16\r\n", "Signal=flash\r\n", "Signal=55\r\n", "Signal=010\r\n"]
        {
            assert_eq!(relay(body), None, "{body:?}");
        }
        for body in ["Signal=+1\r\n", "Signal=1 0\r\n", "Signal=E", "Signal=é", "Signals=5", "Duration=160", "5"] {
            assert_eq!(relay(body), None, "{body:?}");
        }
        for body in ["", "16", "!", "55", "E", "é", "Signal=5"] {
            assert_eq!(plain(body), None, "{body:?}");
        }
        assert_eq!(Key::parse(Dialect::Plain, b"\xff"), None);
        assert_eq!(Key::new('x', Duration::ZERO), None);
    }

    #[test]
    fn a_length_is_between_40_ms_and_6_s_or_else_100_ms() {
        for (told, length) in [
            ("160", 160),
            ("0", 40),
            ("39", 40),
            ("6000", 6000),
            ("6001", 6000),
            ("18446744073709551615", 6000),
            ("18446744073709551616", 100),
            ("-1", 100),
            ("160ms", 100),
            ("", 100),
        ] {
            assert_eq!(relay(&format!("Signal=1\r\nDuration={told}\r\n")), Some(('1', length)), "{told}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let key = Key::new('d', Duration::from_millis(250)).unwrap();
        assert_eq!(key.to_body(Dialect::Relay), ("application/dtmf-relay", "Signal=D\r\nDuration=250\r\n".to_owned()));
        assert_eq!(key.to_body(Dialect::Plain), ("application/dtmf", "D".to_owned()));
        for sign in "0123456789*#ABCD".chars() {
            let key = Key::new(sign, Duration::from_millis(1234)).unwrap();
            let [relay, plain] = [Dialect::Relay, Dialect::Plain].map(|dialect| {
                let (content_type, body) = key.to_body(dialect);
                Key::parse(Dialect::of(content_type)?, body.as_bytes())
            });
            assert_eq!((relay, plain.map(|key| key.key)), (Some(key), Some(sign)));
        }
    }
}
