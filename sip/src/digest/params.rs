//! The comma list of `name=value` behind an authentication scheme (RFC 3261 §25.1, `auth-param`).

use std::borrow::Cow;

/// What follows the scheme `Digest`; `None` for another scheme.
pub(super) fn digest(header: &str) -> Option<Params<'_>> {
    let header = header.trim_matches(WHITE);
    let (scheme, rest) = header.split_once(WHITE)?;
    scheme.eq_ignore_ascii_case("Digest").then_some(Params { rest: Some(rest) })
}

/// Iterator over the parameters; ends with an error at the first that is none.
pub(super) struct Params<'a> {
    rest: Option<&'a str>,
}

/// One parameter.
pub(super) struct Param<'a> {
    /// In the case in which it was written.
    pub(super) name: &'a str,
    /// Without the quotes, escapes as they stand.
    pub(super) value: &'a str,
}

/// The list breaks its grammar.
pub(super) struct Malformed;

impl<'a> Iterator for Params<'a> {
    type Item = Result<Param<'a>, Malformed>;

    fn next(&mut self) -> Option<Result<Param<'a>, Malformed>> {
        let rest = self.rest.take()?.trim_start_matches(|c| c == ',' || WHITE(c));
        if rest.is_empty() {
            return None;
        }
        let Some((param, after)) = split_param(rest) else { return Some(Err(Malformed)) };
        self.rest = Some(after);
        Some(Ok(param))
    }
}

/// One parameter, and what follows it: nothing, or a comma and more.
fn split_param(text: &str) -> Option<(Param<'_>, &str)> {
    let (name, rest) = text.split_once('=')?;
    let (name, rest) = (name.trim_end_matches(WHITE), rest.trim_start_matches(WHITE));
    let (value, after) = match rest.strip_prefix('"') {
        Some(quoted) => {
            let end = end_of_quoted(quoted)?;
            (&quoted[..end], quoted[end + 1..].trim_start_matches(WHITE))
        }
        None => {
            let (value, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
            (value.trim_end_matches(WHITE), after)
        }
    };
    let is_token = !name.is_empty() && !name.contains(|c| c == '"' || c == ',' || WHITE(c));
    (is_token && (after.is_empty() || after.starts_with(','))).then_some((Param { name, value }, after))
}

/// Where the closing quote stands.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some(at),
            b'\\' => drop(bytes.next()?),
            _ => {}
        }
    }
    None
}

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
pub(super) fn quoted(value: &str) -> impl std::fmt::Display {
    std::fmt::from_fn(move |f| {
        use std::fmt::Write;
        f.write_char('"')?;
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

/// Blanks and the line breaks of a folded header.
const WHITE: fn(char) -> bool = |c| matches!(c, ' ' | '\t' | '\r' | '\n');
