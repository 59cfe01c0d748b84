use std::borrow::Cow;

use super::params::{Params, end_of_quotes, pop_param};
use super::{HeaderError, number};
use crate::chars::{OPAQUE, trim, trim_end, trim_start};
use crate::uri::{Uri, UriError};

/// An address as in From, To, Contact, Route, Refer-To: `"Display" <uri>;params` or `uri;params` (RFC 3261 §20.10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// Display name as written, without its quotes, escapes not undone; empty where there is none.
    pub display: &'a str,
    /// The URI as written, without `<>`.
    pub uri_text: &'a str,
    /// Parameters of the header, not of the URI.
    pub params: Params<'a>,
    tag: Option<&'a str>,
}

impl<'a> NameAddr<'a> {
    /// One value; lists are split before (see [`super::split_values`]). The URI is cut out, not parsed.
    pub fn parse(text: &'a str) -> Result<NameAddr<'a>, HeaderError> {
        let text = trim(text);
        let (display, rest) = if text.starts_with('"') {
            let end = end_of_quotes(text.as_bytes(), 0)?;
            (&text[1..end - 1], trim_start(&text[end..]))
        } else {
            match memchr::memchr2(b'<', b';', text.as_bytes()) {
                Some(at) if text.as_bytes()[at] == b'<' => (display_name(&text[..at])?, &text[at..]),
                end => return NameAddr::without_brackets(text, end.unwrap_or(text.len())),
            }
        };
        let inside = rest.strip_prefix('<').ok_or(HeaderError::Brackets)?;
        let (uri_text, rest) = inside.split_at(OPAQUE.run(inside.as_bytes()));
        match rest.strip_prefix('>') {
            Some(params) => NameAddr::with_params(display, uri_text, params),
            None if rest.contains('>') => Err(HeaderError::Uri),
            None => Err(HeaderError::Brackets),
        }
    }

    /// A URI with `,` or `?` must stand in brackets (RFC 3261 §20); its `;` begin parameters of the header.
    fn without_brackets(text: &'a str, end: usize) -> Result<NameAddr<'a>, HeaderError> {
        let (uri, params) = text.split_at(end);
        let uri = trim_end(uri);
        if memchr::memchr2(b',', b'?', uri.as_bytes()).is_some() {
            return Err(HeaderError::Brackets);
        }
        if !OPAQUE.is_all(uri.as_bytes()) {
            return Err(HeaderError::Uri);
        }
        NameAddr::with_params("", uri, params)
    }

    fn with_params(display: &'a str, uri_text: &'a str, params: &'a str) -> Result<NameAddr<'a>, HeaderError> {
        if uri_text.is_empty() {
            return Err(HeaderError::Uri);
        }
        let mut address = NameAddr { display, uri_text, params: Params::new(params), tag: None };
        let mut rest = address.params.text();
        while let Some((name, value)) = pop_param(&mut rest)? {
            if address.tag.is_none() && name.eq_ignore_ascii_case("tag") {
                address.tag = Some(value).filter(|tag| !tag.is_empty());
            }
        }
        if rest.is_empty() { Ok(address) } else { Err(HeaderError::Parameter) }
    }

    /// The URI, parsed.
    pub fn uri(&self) -> Result<Uri<'a>, UriError> {
        Uri::parse(self.uri_text)
    }

    /// Value of a parameter of the header without its quotes; `""` for one without a value.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        self.params.find(name)
    }

    /// The `tag` parameter; an empty one is none.
    pub fn tag(&self) -> Option<&'a str> {
        self.tag
    }

    /// Display name with its escapes undone.
    pub fn display_name(&self) -> Cow<'a, str> {
        if !self.display.contains('\\') {
            return Cow::Borrowed(self.display);
        }
        let mut name = String::with_capacity(self.display.len());
        let mut chars = self.display.chars();
        while let Some(c) = chars.next() {
            name.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        Cow::Owned(name)
    }
}

/// A value of Contact (RFC 3261 §20.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactValue<'a> {
    /// `*`: all bindings, in a REGISTER that removes them.
    Wildcard,
    /// An address.
    Address(NameAddr<'a>),
}

impl<'a> ContactValue<'a> {
    /// One value; lists are split before.
    pub fn parse(text: &'a str) -> Result<ContactValue<'a>, HeaderError> {
        match trim(text) {
            "*" => Ok(ContactValue::Wildcard),
            text => NameAddr::parse(text).map(ContactValue::Address),
        }
    }

    /// The address, unless it is `*`.
    pub fn address(&self) -> Option<NameAddr<'a>> {
        match self {
            ContactValue::Wildcard => None,
            ContactValue::Address(address) => Some(*address),
        }
    }

    /// The `expires` parameter in seconds; malformed ones count as absent (RFC 3261 §10.3 step 7).
    pub fn expires(&self) -> Option<u32> {
        self.address().and_then(|address| number(address.param("expires")?))
    }

    /// The `q` parameter in thousandths, 0–1000; 1000 where it is absent or malformed.
    pub fn q(&self) -> u16 {
        self.address().and_then(|address| thousandths(address.param("q")?)).unwrap_or(1000)
    }
}

fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|c| c.is_ascii_digit()) || !matches!(whole, "0" | "1") {
        return None;
    }
    let scale = [1000, 100, 10, 1][fraction.len()];
    let value = fraction.parse().unwrap_or(0) * scale + if whole == "1" { 1000 } else { 0 };
    (value <= 1000).then_some(value)
}

/// Without quotes only tokens are allowed; phones leave quotes out around other letters too, so that only
/// what would change the meaning of the header is refused.
fn display_name(text: &str) -> Result<&str, HeaderError> {
    let text = trim_end(text);
    if text.bytes().any(|c| matches!(c, b'"' | b',' | b':' | b'@' | b'>' | b'\\')) {
        Err(HeaderError::DisplayName)
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_and_without_brackets() {
        let full = NameAddr::parse("\"A \\\"B\\\", C\" <sip:a;b=c@h;x>\r\n ; tag = 1 ;y").unwrap();
        assert_eq!(
            (full.display_name().as_ref(), full.uri_text, full.tag()),
            ("A \"B\", C", "sip:a;b=c@h;x", Some("1"))
        );
        assert_eq!((full.param("Y"), full.param("z")), (Some(""), None));
        let bare = NameAddr::parse("sip:a@h;tag=1").unwrap();
        assert_eq!((bare.uri_text, bare.tag(), bare.display), ("sip:a@h", Some("1"), ""));
        assert_eq!(NameAddr::parse("Any One <tel:+1>").unwrap().display, "Any One");
        let instance = NameAddr::parse("sip:a@h;+sip.instance=\"<urn:uuid:1>\"").unwrap();
        assert_eq!(instance.param("+sip.instance"), Some("<urn:uuid:1>"));
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for text in [
            "",
            "<sip:a@h",
            "\"a <sip:a@h>",
            "sip:a@h?x=y",
            "Bell, A <sip:a@h>",
            "<sip:a@h> x",
            "<sip:a@h>;",
            "< sip:a@h >",
            "<>",
            "\"a\" sip:a@h",
            "<sip:a@h>;tag=\u{c}",
        ] {
            assert!(NameAddr::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn contact_parameters() {
        let contact = ContactValue::parse("<sip:a@h>;q=0.55;expires=60").unwrap();
        assert_eq!((contact.q(), contact.expires()), (550, Some(60)));
        assert_eq!(ContactValue::parse(" * ").unwrap(), ContactValue::Wildcard);
        assert_eq!(ContactValue::parse("<sip:a@h>;q=7;expires=x").map(|c| (c.q(), c.expires())), Ok((1000, None)));
    }
}
