use super::HeaderError;
use crate::chars::is_token;

/// The parameters of a header value, `;name=value;name`, in their order.
///
/// Values come without their quotes; a parameter without a value has the value `""`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Params<'a> {
    text: &'a str,
}

impl<'a> Params<'a> {
    /// `text` starts with `;` or is empty; spaces and folding are allowed around every part.
    pub fn new(text: &'a str) -> Params<'a> {
        Params { text: text.trim_ascii() }
    }

    /// The parameters as written, from the first `;`.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Names and values; ends at the first malformed parameter.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut rest = *self;
        std::iter::from_fn(move || rest.pop().ok().flatten())
    }

    /// Value of the first parameter of this name, in any case.
    pub fn find(&self, name: &str) -> Option<&'a str> {
        self.iter().find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }

    /// Whether every parameter is well-formed.
    pub fn check(mut self) -> Result<(), HeaderError> {
        while self.pop()?.is_some() {}
        Ok(())
    }

    /// Takes the first parameter off.
    pub(super) fn pop(&mut self) -> Result<Option<(&'a str, &'a str)>, HeaderError> {
        let Some(&first) = self.text.as_bytes().first() else { return Ok(None) };
        if first != b';' {
            return Err(HeaderError::Parameter);
        }
        let (param, rest) = self.text[1..].split_at(end_of_param(&self.text.as_bytes()[1..])?);
        self.text = rest;
        let (name, value) = match param.split_once('=') {
            Some((name, value)) => (name.trim_ascii(), value.trim_ascii()),
            None => (param.trim_ascii(), ""),
        };
        if !is_token(name) {
            return Err(HeaderError::Parameter);
        }
        Ok(Some((name, unquoted(value)?)))
    }
}

fn end_of_param(text: &[u8]) -> Result<usize, HeaderError> {
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b';' => return Ok(at),
            b'"' => at = end_of_quotes(text, at)?,
            _ => at += 1,
        }
    }
    Ok(at)
}

/// Offset after the quoted string that begins at `at`.
pub(super) fn end_of_quotes(text: &[u8], at: usize) -> Result<usize, HeaderError> {
    let mut at = at + 1;
    loop {
        let skip =
            memchr::memchr2(b'"', b'\\', text.get(at..).ok_or(HeaderError::Quotes)?).ok_or(HeaderError::Quotes)?;
        at += skip + 1;
        if text[at - 1] == b'"' {
            return Ok(at);
        }
        at += 1;
    }
}

fn unquoted(value: &str) -> Result<&str, HeaderError> {
    if value.starts_with('"') {
        let end = end_of_quotes(value.as_bytes(), 0)?;
        return if end == value.len() { Ok(&value[1..end - 1]) } else { Err(HeaderError::Parameter) };
    }
    if value.bytes().any(|c| c.is_ascii_whitespace() || matches!(c, b'"' | b',' | b'<' | b'>')) {
        return Err(HeaderError::Parameter);
    }
    Ok(value)
}
