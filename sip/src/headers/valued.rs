use super::{HeaderError, Params};
use crate::chars::trim;

/// `value;params`, as in Session-Expires, Event, Subscription-State, Replaces, Content-Type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Valued<'a> {
    /// Before the first `;`.
    pub value: &'a str,
    /// From the first `;`.
    pub params: Params<'a>,
}

impl<'a> Valued<'a> {
    /// Never fails: parameters that are malformed are not found.
    pub fn parse(text: &'a str) -> Valued<'a> {
        let (value, params) = text.split_at(text.find(';').unwrap_or(text.len()));
        Valued { value: trim(value), params: Params::new(params) }
    }

    /// Value of a parameter without its quotes; `""` for one without a value.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        self.params.find(name)
    }
}

/// RAck (RFC 3262 §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RAck<'a> {
    /// RSeq of the response.
    pub rseq: u32,
    /// CSeq number of the response.
    pub cseq: u32,
    /// CSeq method of the response.
    pub method: &'a str,
}

impl<'a> RAck<'a> {
    /// `1 314159 INVITE`
    pub fn parse(text: &'a str) -> Result<RAck<'a>, HeaderError> {
        let mut parts = text.split([' ', '\t', '\r', '\n']).filter(|part| !part.is_empty());
        let mut part = || parts.next().ok_or(HeaderError::Empty);
        let rack = RAck { rseq: exact(part()?)?, cseq: exact(part()?)?, method: part()? };
        if parts.next().is_some() { Err(HeaderError::Malformed) } else { Ok(rack) }
    }
}

/// A decimal number; larger ones count as `u32::MAX`, as RFC 3261 §20.19 allows for seconds.
pub fn number(text: &str) -> Option<u32> {
    let text = trim(text);
    if text.is_empty() || !text.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u32::MAX))
}

/// A decimal number that must fit its type; digits only.
pub(crate) fn exact<T: std::str::FromStr>(text: &str) -> Result<T, HeaderError> {
    if text.bytes().all(|c| c.is_ascii_digit()) {
        text.parse().map_err(|_| HeaderError::Number)
    } else {
        Err(HeaderError::Number)
    }
}
