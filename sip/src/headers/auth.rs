use super::params::end_of_quotes;
use crate::chars::{TOKEN, is_space, is_token, trim, trim_end, trim_start};

/// Value of an authentication header: a scheme and its parameters (RFC 7235, RFC 7616). One header line has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthValue<'a> {
    /// `Digest` or another token, as written.
    pub scheme: &'a str,
    rest: &'a str,
}

impl<'a> AuthValue<'a> {
    /// None where the scheme is missing.
    pub fn parse(text: &'a str) -> Option<AuthValue<'a>> {
        let text = trim(text);
        let (scheme, rest) = text.split_at(text.bytes().position(is_space).unwrap_or(text.len()));
        is_token(scheme).then_some(AuthValue { scheme, rest })
    }

    /// Names and values, which come without their quotes, escapes not undone; ends at the first malformed one.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut rest = self.rest;
        std::iter::from_fn(move || pop(&mut rest))
    }

    /// Value of the first parameter of this name, in any case.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        self.params().find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }
}

fn pop<'a>(text: &mut &'a str) -> Option<(&'a str, &'a str)> {
    let start = text.bytes().position(|byte| byte != b',' && !is_space(byte)).unwrap_or(text.len());
    let rest = &text[start..];
    let (name, rest) = rest.split_at(TOKEN.run(rest.as_bytes()));
    let rest = trim_start(trim_start(rest).strip_prefix('=')?);
    if name.is_empty() {
        return None;
    }
    let (value, rest) = if rest.starts_with('"') {
        let end = end_of_quotes(rest.as_bytes(), 0).ok()?;
        (&rest[1..end - 1], &rest[end..])
    } else {
        let (value, rest) = rest.split_at(memchr::memchr(b',', rest.as_bytes()).unwrap_or(rest.len()));
        (trim_end(value), rest)
    };
    *text = rest;
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_and_plain_parameters() {
        let auth = AuthValue::parse("Digest username=\"a, b\",\r\n realm = \"x\" , nc=00000001,qop=auth").unwrap();
        assert_eq!(auth.scheme, "Digest");
        let params: Vec<_> = auth.params().collect();
        assert_eq!(params, [("username", "a, b"), ("realm", "x"), ("nc", "00000001"), ("qop", "auth")]);
        assert_eq!(auth.param("NC"), Some("00000001"));
    }
}
