use super::HeaderError;
use crate::chars::{PARAM_VALUE, TOKEN, spaces, trim};

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
        Params { text: trim(text) }
    }

    /// The parameters as written, from the first `;`.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Names and values; ends at the first malformed parameter.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut rest = self.text;
        std::iter::from_fn(move || pop_param(&mut rest).ok().flatten())
    }

    /// Value of the first parameter of this name, in any case.
    pub fn find(&self, name: &str) -> Option<&'a str> {
        self.iter().find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }
}

/// Takes the first parameter off; none where the text does not go on with `;`.
pub(super) fn pop_param<'a>(rest: &mut &'a str) -> Result<Option<(&'a str, &'a str)>, HeaderError> {
    let (all, text) = (*rest, rest.as_bytes());
    if text.first() != Some(&b';') {
        return Ok(None);
    }
    let name = 1 + spaces(&text[1..]);
    let name_end = name + TOKEN.run(&text[name..]);
    if name_end == name {
        return Err(HeaderError::Parameter);
    }
    let mut at = name_end + spaces(&text[name_end..]);
    let mut value = "";
    if text.get(at) == Some(&b'=') {
        at += 1 + spaces(&text[at + 1..]);
        let (start, end);
        if text.get(at) == Some(&b'"') {
            (start, end) = (at + 1, end_of_quotes(text, at)? - 1);
            at = end + 1;
        } else {
            (start, end) = (at, at + PARAM_VALUE.run(&text[at..]));
            at = end;
        }
        value = &all[start..end];
        at += spaces(&text[at..]);
    }
    *rest = &all[at..];
    Ok(Some((&all[name..name_end], value)))
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
