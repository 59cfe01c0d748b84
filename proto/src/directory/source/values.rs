//! What a value may be. Each function takes a TOML value and says, behind that value, what is wrong with it.

use super::suggest::nearest;
use crate::directory::BUILTIN_SOUNDS;
use crate::directory::buckets::MAX_NAME;
use crate::directory::pattern::is_dialable;
use crate::directory::text::{Secret, Span};
use crate::directory::user::MAX_CALLER_ID;
use std::fmt::Display;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;
use toml::de::DeValue;

/// A text.
pub fn text<'a>(value: &'a DeValue<'_>) -> Result<&'a str, String> {
    value.as_str().ok_or_else(|| format!("is no text but of type {}", value.type_str()))
}

/// A text that is not empty.
pub fn some_text(value: &DeValue<'_>) -> Result<Box<str>, String> {
    let text = text(value)?;
    if text.trim().is_empty() { Err("is empty".into()) } else { Ok(text.into()) }
}

/// A text with a form of its own.
pub fn parsed<T: FromStr<Err: Display>>(value: &DeValue<'_>) -> Result<T, String> {
    text(value)?.parse().map_err(|why: T::Err| why.to_string())
}

/// `true` or `false`.
pub fn boolean(value: &DeValue<'_>) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "is neither true nor false".to_owned())
}

/// A number within a range.
pub fn integer<T: TryFrom<i64> + PartialOrd + Display + Copy>(
    range: RangeInclusive<T>,
) -> impl Fn(&DeValue<'_>) -> Result<T, String> {
    move |value| {
        let number = value.as_integer().and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok());
        let number = number.and_then(|number| T::try_from(number).ok()).filter(|number| range.contains(number));
        number.ok_or_else(|| format!("is no number from {} to {}", range.start(), range.end()))
    }
}

/// One of these words.
pub fn one_of<T: Copy>(words: &[(&'static str, T)]) -> impl Fn(&DeValue<'_>) -> Result<T, String> {
    move |value| {
        let given = text(value)?;
        let known = || words.iter().map(|(word, _)| *word);
        let found = words.iter().find(|(word, _)| *word == given).map(|(_, meaning)| *meaning);
        found.ok_or_else(|| match nearest(given, known()) {
            Some(near) => format!("is not known; did you mean \"{near}\"?"),
            None => format!("is none of \"{}\"", known().collect::<Vec<_>>().join("\", \"")),
        })
    }
}

/// A length of time within a range.
pub fn span(range: RangeInclusive<u64>) -> impl Fn(&DeValue<'_>) -> Result<Span, String> {
    move |value| {
        let span: Span = parsed(value)?;
        let seconds = Duration::from_secs(*range.start())..=Duration::from_secs(*range.end());
        if seconds.contains(&span.0) {
            return Ok(span);
        }
        let [least, most] = [*seconds.start(), *seconds.end()].map(Span);
        Err(format!("is not from {least} to {most}"))
    }
}

/// The name of something: letters, digits, `.`, `-` and `_`.
pub fn name(value: &DeValue<'_>) -> Result<Box<str>, String> {
    let name = text(value)?;
    let is_fine = |c: char| c.is_alphanumeric() || ".-_".contains(c);
    match name.chars().find(|&c| !is_fine(c)) {
        Some(c) => Err(format!("has the character {c:?}; a name has letters, digits, \".\", \"-\" and \"_\"")),
        None if name.is_empty() => Err("is empty".into()),
        None if name.len() > MAX_NAME => Err(format!("is longer than {MAX_NAME} characters")),
        None => Ok(name.into()),
    }
}

/// The name of a user, which is a SIP user part.
pub fn user_name(value: &DeValue<'_>) -> Result<Box<str>, String> {
    check_user_name(text(value)?).map(Into::into)
}

/// The same for a text.
pub fn check_user_name(name: &str) -> Result<&str, String> {
    match name.chars().find(|&c| !is_dialable(c) || c == '#') {
        Some(c) => {
            Err(format!("has the character {c:?}; a user's name has letters without accents, digits and \"-_.~+*'\""))
        }
        None if name.is_empty() => Err("is empty".into()),
        None if name.len() > MAX_NAME => Err(format!("is longer than {MAX_NAME} characters")),
        None if name.contains(|c: char| c.is_ascii_uppercase()) => {
            Err(format!("has capital letters; \"{}\" is meant", name.to_ascii_lowercase()))
        }
        None => Ok(name),
    }
}

/// An extension: digits, `*`, `#`, `+`.
pub fn extension(value: &DeValue<'_>) -> Result<Box<str>, String> {
    check_extension(text(value)?).map(Into::into)
}

/// The same for a text.
pub fn check_extension(extension: &str) -> Result<&str, String> {
    match extension.chars().find(|c| !(c.is_ascii_digit() || "*#+".contains(*c))) {
        Some(c) => Err(format!("has the character {c:?}; an extension has digits, \"*\", \"#\" and \"+\"")),
        None if extension.is_empty() => Err("is empty".into()),
        None if extension.len() > 32 => Err("is longer than 32 digits".into()),
        None => Ok(extension),
    }
}

/// A caller id: `Alice Martin <6001>`, `Alice Martin` or `6001`.
pub fn caller_id(value: &DeValue<'_>) -> Result<Box<str>, String> {
    check_caller_id(text(value)?).map(Into::into)
}

/// The same for a text.
pub fn check_caller_id(caller_id: &str) -> Result<&str, String> {
    let (name, number) = match caller_id.split_once('<') {
        Some((name, rest)) => (name, rest.trim_end().strip_suffix('>').ok_or("has a \"<\" without \">\" at the end")?),
        None => (caller_id, ""),
    };
    if name.contains(|c: char| c.is_control() || "\"\\<>".contains(c)) {
        return Err("has a quotation mark, backslash, angle bracket or control character in the name".into());
    }
    if !number.is_empty() {
        check_extension(number).map_err(|why| format!("{why} between \"<\" and \">\""))?;
    }
    match caller_id.len() {
        0..=MAX_CALLER_ID => Ok(caller_id),
        _ => Err(format!("is longer than {MAX_CALLER_ID} bytes")),
    }
}

/// Digits that open something: 4-16 of them.
pub fn pin(value: &DeValue<'_>) -> Result<Secret, String> {
    let pin = text(value)?;
    let is_fine = (4..=16).contains(&pin.len()) && pin.bytes().all(|byte| byte.is_ascii_digit());
    if is_fine { Ok(Secret(pin.into())) } else { Err("is no PIN of 4 to 16 digits".into()) }
}

/// An e-mail address, as far as that can be seen.
pub fn email(value: &DeValue<'_>) -> Result<Box<str>, String> {
    let email = text(value)?;
    let is_fine = email.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty()
            && !host.is_empty()
            && !host.contains('@')
            && !email.contains(|c: char| c.is_whitespace() || c.is_control())
    });
    if is_fine { Ok(email.into()) } else { Err("is no e-mail address".into()) }
}

/// A language: `fr`, `pt-BR`.
pub fn language(value: &DeValue<'_>) -> Result<Box<str>, String> {
    let language = text(value)?;
    let mut subtags = language.split('-');
    let is_first = |tag: &str| (2..=3).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_lowercase());
    let is_next = |tag: &str| (2..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_fine = subtags.next().is_some_and(is_first) && subtags.all(is_next);
    if is_fine { Ok(language.into()) } else { Err("is no language".into()) }
}

/// A country by its two letters (ISO 3166-1).
pub fn country(value: &DeValue<'_>) -> Result<Box<str>, String> {
    let country = text(value)?;
    let is_fine = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_lowercase());
    if is_fine { Ok(country.into()) } else { Err("is no country; it is two small letters, as in ISO 3166".into()) }
}

/// A file of sound, or `builtin:NAME`.
pub fn sound(value: &DeValue<'_>) -> Result<Box<str>, String> {
    let file = some_text(value)?;
    check_sound(&file).map(|()| file)
}

/// The same for a text.
pub fn check_sound(file: &str) -> Result<(), String> {
    match file.strip_prefix("builtin:") {
        Some(name) if !BUILTIN_SOUNDS.contains(&name) => {
            let near = nearest(name, BUILTIN_SOUNDS.into_iter()).unwrap_or("morning");
            Err(format!("is no builtin sound; did you mean \"builtin:{near}\"?"))
        }
        Some(_) | None => Ok(()),
    }
}

/// A host name or address in lower case, IPv6 without brackets.
pub fn host(value: &DeValue<'_>) -> Result<Box<str>, String> {
    let given = text(value)?;
    let bare = given.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(given);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(address.to_string().into());
    }
    let is_label = |label: &str| {
        let is_fine = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        is_fine && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    match given.len() <= 253 && given.split('.').all(is_label) {
        true if given.contains(|c: char| c.is_ascii_uppercase()) => {
            Err(format!("has capital letters; \"{}\" is meant", given.to_ascii_lowercase()))
        }
        true => Ok(given.into()),
        false => Err("is no host name or address".into()),
    }
}

/// The beginning of a number: digits, perhaps with `+` in front.
pub fn digits(value: &DeValue<'_>) -> Result<Box<str>, String> {
    let given = text(value)?;
    let digits = given.strip_prefix('+').unwrap_or(given);
    let is_fine = (1..=32).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_fine { Ok(given.into()) } else { Err("is no number".into()) }
}

/// Keys pressed during a call: 1-8 of `0`-`9`, `*`, `#`.
pub fn key_code(value: &DeValue<'_>) -> Result<Box<str>, String> {
    let code = text(value)?;
    let is_fine =
        (1..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit() || b"*#".contains(&byte));
    if is_fine { Ok(code.into()) } else { Err("is no sequence of up to 8 keys 0-9, * and #".into()) }
}

/// A time zone by its form: `Europe/Paris`, `UTC`.
pub fn zone(value: &DeValue<'_>) -> Result<Box<str>, String> {
    let zone = text(value)?;
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_uppercase())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-+".contains(&b))
    };
    let is_fine = zone == "UTC" || (zone.contains('/') && zone.split('/').all(is_part));
    if is_fine { Ok(zone.into()) } else { Err("is no time zone".into()) }
}
