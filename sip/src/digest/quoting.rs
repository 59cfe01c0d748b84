//! Values of quoted-strings (RFC 3261 §25.1).

use std::borrow::Cow;
use std::fmt::{Display, Write, from_fn};

/// The value of a quoted-string: each escaped character stands for itself.
pub(super) fn unescaped(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut characters = value.chars();
    let mut plain = String::with_capacity(value.len());
    while let Some(character) = characters.next() {
        plain.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    Cow::Owned(plain)
}

/// Writes a value so that [`unescaped`] reads it back; line breaks, which no header can hold, become spaces.
pub(super) fn quoted(value: &str) -> impl Display {
    from_fn(move |f| {
        f.write_char('"')?;
        if !value.contains(['"', '\\', '\r', '\n']) {
            f.write_str(value)?;
            return f.write_char('"');
        }
        for character in value.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                '\r' | '\n' => f.write_char(' ')?,
                plain => f.write_char(plain)?,
            }
        }
        f.write_char('"')
    })
}
