//! Values that are written as text: durations and secrets, and serde for everything that has a text form.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::Duration;

/// Serialises a type by its `Display` and reads it by its `FromStr`.
macro_rules! as_text {
    ($($type:ty),+) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::directory::text::from_text(deserializer)
            }
        }
    )+};
}
pub(super) use as_text;

/// Reads a text and parses it.
pub(super) fn from_text<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    text.parse().map_err(|why: T::Err| serde::de::Error::custom(format_args!("{text:?} {why}")))
}

/// A length of time as the directory writes it: `500ms`, `10s`, `5m`, `2h`, `1d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// Not the text of a [`Span`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no length of time")]
pub struct SpanError;

/// Units with their milliseconds, the longest first.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Span, SpanError> {
        let unit = text.find(|c: char| !c.is_ascii_digit()).ok_or(SpanError)?;
        let (number, unit) = text.split_at(unit);
        let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(SpanError)?;
        let number: u64 = number.parse().map_err(|_| SpanError)?;
        // Below the 32 bits of milliseconds in which a user's ring time is kept.
        let total = number.checked_mul(*milliseconds).filter(|&total| total < u64::from(u32::MAX)).ok_or(SpanError)?;
        Ok(Span(Duration::from_millis(total)))
    }
}

impl Display for Span {
    /// In the longest unit that is exact.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.0.as_millis();
        let exact = UNITS.iter().find(|(_, unit)| total > 0 && total.is_multiple_of(u128::from(*unit)));
        let (name, unit) = exact.unwrap_or(&("s", 1000));
        write!(f, "{}{name}", total / u128::from(*unit))
    }
}

as_text!(Span);

/// A password or PIN that must be kept as it is; it never shows in logs, and `get` never prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Box<str>);

/// The one key of a secret in the stored form, by which [`without_secrets`] knows it.
const SECRET: &str = "secret";

#[derive(Serialize, Deserialize)]
struct StoredSecret<T> {
    secret: T,
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        StoredSecret { secret: &*self.0 }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        StoredSecret::deserialize(deserializer).map(|stored| Secret(stored.secret))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Takes every [`Secret`] out of a stored value.
pub(super) fn without_secrets(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(object) => {
            object.retain(|_, value| !is_secret(value));
            object.values_mut().for_each(without_secrets);
        }
        serde_json::Value::Array(array) => array.iter_mut().for_each(without_secrets),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

/// Whether a stored value is a [`Secret`].
fn is_secret(value: &serde_json::Value) -> bool {
    value.as_object().is_some_and(|object| object.len() == 1 && object.contains_key(SECRET))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_write() {
        for (text, milliseconds, canonical) in [
            ("10s", 10_000, "10s"),
            ("90s", 90_000, "90s"),
            ("300s", 300_000, "5m"),
            ("500ms", 500, "500ms"),
            ("0s", 0, "0s"),
            ("24h", 86_400_000, "1d"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span, Span(Duration::from_millis(milliseconds)));
            assert_eq!(span.to_string(), canonical);
        }
        for bad in ["", "10", "s", "10 s", "-1s", "1.5s", "10sec", "50d", "99999999999999999999s"] {
            assert_eq!(bad.parse::<Span>(), Err(SpanError), "{bad}");
        }
    }

    #[test]
    fn secrets_are_stored_and_not_shown() {
        let secret = Secret("1234".into());
        let mut value = serde_json::json!({ "boxes": [{ "pin": secret, "name": "support" }] });
        assert_eq!(serde_json::from_value::<Secret>(value["boxes"][0]["pin"].clone()).unwrap(), secret);
        without_secrets(&mut value);
        assert_eq!(value, serde_json::json!({ "boxes": [{ "name": "support" }] }));
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
