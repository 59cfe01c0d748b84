//! SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966), zero-copy.

mod compare;
mod host;

use std::borrow::Cow;

pub use host::Host;
pub(crate) use host::take_port;

use crate::chars::{OPAQUE, PASSWORD, URI_HEADER, URI_PARAM, USER};

/// Longest URI that we parse, in bytes.
pub const MAX_URI: usize = 2048;

/// Scheme of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `sip`
    Sip,
    /// `sips`
    Sips,
    /// `tel`: the user is the number, there is no host.
    Tel,
    /// Any other: well-formed, but not taken apart; a request to it gets 416.
    Other,
}

/// A URI, taken apart; all text as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uri<'a> {
    /// The whole URI.
    pub text: &'a str,
    /// Its scheme.
    pub scheme: Scheme,
    /// User part, percent-escapes not undone; the number of a tel URI.
    pub user: Option<&'a str>,
    /// After `:` in the user part.
    pub password: Option<&'a str>,
    /// Host; an empty name for `Tel` and `Other`.
    pub host: Host<'a>,
    /// Host as written, an IPv6 address in brackets; empty for `Tel` and `Other`.
    pub host_text: &'a str,
    /// Port.
    pub port: Option<u16>,
    /// Parameters from the first `;` on, or empty.
    pub params: &'a str,
    /// Headers after `?`, or empty.
    pub headers: &'a str,
}

/// Why text is no URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// More than [`MAX_URI`] bytes.
    #[error("too long")]
    TooLong,
    /// No scheme and colon.
    #[error("no scheme")]
    Scheme,
    /// A user part or password that is empty or has characters that belong escaped.
    #[error("malformed user")]
    User,
    /// A host that is none.
    #[error("malformed host or port")]
    Host,
    /// Parameters with characters that belong escaped.
    #[error("malformed parameters")]
    Params,
    /// Headers where none are allowed, or malformed.
    #[error("malformed headers")]
    Headers,
    /// Characters that no URI has.
    #[error("malformed")]
    Malformed,
}

impl<'a> Uri<'a> {
    /// The whole of `text` is the URI.
    pub fn parse(text: &'a str) -> Result<Uri<'a>, UriError> {
        if text.len() > MAX_URI {
            return Err(UriError::TooLong);
        }
        let colon = memchr::memchr(b':', text.as_bytes()).ok_or(UriError::Scheme)?;
        let (scheme, rest) = (&text[..colon], &text[colon + 1..]);
        if scheme.eq_ignore_ascii_case("sip") {
            Uri::parse_sip(text, Scheme::Sip, rest)
        } else if scheme.eq_ignore_ascii_case("sips") {
            Uri::parse_sip(text, Scheme::Sips, rest)
        } else if scheme.eq_ignore_ascii_case("tel") {
            Uri::parse_tel(text, rest)
        } else {
            let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.'));
            if !is_scheme {
                return Err(UriError::Scheme);
            }
            if rest.is_empty() || !OPAQUE.is_all(rest.as_bytes()) {
                return Err(UriError::Malformed);
            }
            Ok(Uri::bare(text, Scheme::Other))
        }
    }

    fn bare(text: &'a str, scheme: Scheme) -> Uri<'a> {
        let host = Host::Name("");
        Uri { text, scheme, user: None, password: None, host, host_text: "", port: None, params: "", headers: "" }
    }

    fn parse_sip(text: &'a str, scheme: Scheme, mut rest: &'a str) -> Result<Uri<'a>, UriError> {
        let mut uri = Uri::bare(text, scheme);
        if let Some(at) = memchr::memchr(b'@', rest.as_bytes()) {
            uri.user_and_password(&rest[..at])?;
            rest = &rest[at + 1..];
        }
        let (host, after) = Host::take(rest).ok_or(UriError::Host)?;
        (uri.host, uri.host_text, rest) = (host, &rest[..rest.len() - after.len()], after);
        if let Some(after) = rest.strip_prefix(':') {
            let (port, after) = take_port(after).ok_or(UriError::Host)?;
            (uri.port, rest) = (Some(port), after);
        }
        let mut fault = UriError::Host;
        if rest.starts_with(';') {
            (uri.params, rest) = rest.split_at(URI_PARAM.run_escaped(rest.as_bytes()));
            fault = UriError::Params;
        }
        if let Some(after) = rest.strip_prefix('?') {
            (uri.headers, rest) = after.split_at(URI_HEADER.run_escaped(after.as_bytes()));
            fault = UriError::Headers;
        }
        if rest.is_empty() { Ok(uri) } else { Err(fault) }
    }

    fn user_and_password(&mut self, text: &'a str) -> Result<(), UriError> {
        let (user, rest) = text.split_at(USER.run_escaped(text.as_bytes()));
        let password = rest.strip_prefix(':');
        let is_password = match password {
            Some(password) => PASSWORD.is_all_escaped(password.as_bytes()),
            None => rest.is_empty(),
        };
        if user.is_empty() || !is_password {
            return Err(UriError::User);
        }
        (self.user, self.password) = (Some(user), password);
        Ok(())
    }

    fn parse_tel(text: &'a str, rest: &'a str) -> Result<Uri<'a>, UriError> {
        let (number, params) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
        let digits = number.strip_prefix('+').unwrap_or(number);
        let is_number = digits.bytes().any(|c| c.is_ascii_hexdigit() || matches!(c, b'*' | b'#'))
            && digits.bytes().all(|c| c.is_ascii_hexdigit() || matches!(c, b'*' | b'#' | b'-' | b'.' | b'(' | b')'));
        if !is_number {
            return Err(UriError::User);
        }
        if !URI_PARAM.is_all_escaped(params.as_bytes()) {
            return Err(UriError::Params);
        }
        Ok(Uri { user: Some(number), params, ..Uri::bare(text, Scheme::Tel) })
    }

    /// Value of a URI parameter; `""` for one without a value.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        self.params().find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }

    /// Value of a URI parameter with percent-escapes undone; what does not decode to UTF-8 stays escaped.
    pub fn param_decoded(&self, name: &str) -> Option<Cow<'a, str>> {
        let value = self.param(name)?;
        Some(String::from_utf8(unescaped(value)).map_or(Cow::Borrowed(value), Cow::Owned))
    }

    /// The parameters in their order; one without a value has the value `""`.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.params
            .split(';')
            .filter(|param| !param.is_empty())
            .map(|param| param.split_once('=').unwrap_or((param, "")))
    }

    /// User part with percent-escapes undone; what does not decode to UTF-8 stays escaped. Empty where there is none.
    pub fn user_decoded(&self) -> Cow<'a, str> {
        let user = self.user.unwrap_or("");
        if !user.contains('%') {
            return Cow::Borrowed(user);
        }
        String::from_utf8(unescaped(user)).map_or(Cow::Borrowed(user), Cow::Owned)
    }
}

/// Undoes `%XX`; a `%` without two hexadecimal digits stays.
pub(crate) fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        match (byte, tail) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(hex(*high) << 4 | hex(*low));
                rest = after;
            }
            _ => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
    out
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_found() {
        let uri = Uri::parse("sips:al%69ce;x=y:pw@[2001:db8::1]:5061;transport=tcp;lr?Subject=a&b=c").unwrap();
        assert_eq!((uri.scheme, uri.user, uri.password), (Scheme::Sips, Some("al%69ce;x=y"), Some("pw")));
        assert_eq!((uri.host, uri.port), (Host::Ip("2001:db8::1".parse().unwrap()), Some(5061)));
        assert_eq!((uri.param("Transport"), uri.param("lr"), uri.param("maddr")), (Some("tcp"), Some(""), None));
        assert_eq!((uri.headers, uri.user_decoded().as_ref()), ("Subject=a&b=c", "alice;x=y"));
        let tel = Uri::parse("tel:+1-201-555-0123;phone-context=x").unwrap();
        assert_eq!(
            (tel.scheme, tel.user, tel.param("phone-context")),
            (Scheme::Tel, Some("+1-201-555-0123"), Some("x"))
        );
        assert_eq!(Uri::parse("urn:service:sos").unwrap().scheme, Scheme::Other);
    }

    #[test]
    fn the_host_is_there_as_it_is_written() {
        for (uri, host) in [
            ("sip:example.org", "example.org"),
            ("sips:a:pw@Example.org:5061;lr?x=a", "Example.org"),
            ("sip:a;b=c@[2001:db8::1]:5060", "[2001:db8::1]"),
            ("sip:[::1];lr", "[::1]"),
            ("tel:+33140000000", ""),
        ] {
            assert_eq!(Uri::parse(uri).unwrap().host_text, host, "{uri}");
        }
    }

    #[test]
    fn malformed_uris_are_refused() {
        for text in [
            "",
            "sip",
            "sip:",
            "sip:@h",
            "sip:a@",
            "sip:a@b@c",
            "sip:a b@h",
            "sip:a@h:0x1",
            "sip:a@h:65536",
            "sip:a%4@h",
            "sip:a@[::1",
            "sip:a@h;x=<",
            "1:x",
            "tel:",
            "tel:abcxyz",
            "sip:a@h!",
            "<sip:a@h>",
        ] {
            assert!(Uri::parse(text).is_err(), "{text}");
        }
        assert_eq!(Uri::parse(&format!("sip:{}@h", "a".repeat(MAX_URI))), Err(UriError::TooLong));
    }
}
