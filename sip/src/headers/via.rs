use super::params::pop_param;
use super::{HeaderError, Params, exact};
use crate::chars::{TOKEN, spaces, trim, trim_end, trim_start};
use crate::uri::{Host, take_port};

/// One value of Via (RFC 3261 §20.42, RFC 3581).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    /// `UDP`, `TCP`, `TLS`, `WS`, `WSS` or another token, as written.
    pub transport: &'a str,
    /// Host of sent-by.
    pub host: Host<'a>,
    /// Port of sent-by.
    pub port: Option<u16>,
    /// Transaction of the sender; may lack the magic cookie.
    pub branch: Option<&'a str>,
    /// Source address that the next element saw.
    pub received: Option<&'a str>,
    /// `Some(None)`: the sender asks for it; `Some(Some(port))`: source port that the next element saw.
    pub rport: Option<Option<u16>>,
    /// All parameters.
    pub params: Params<'a>,
    /// The whole value as written.
    pub text: &'a str,
}

impl Default for Via<'_> {
    fn default() -> Self {
        Via {
            transport: "",
            host: Host::Name(""),
            port: None,
            branch: None,
            received: None,
            rport: None,
            params: Params::default(),
            text: "",
        }
    }
}

impl<'a> Via<'a> {
    /// Start of every branch of RFC 3261 (§8.1.1.7).
    pub const MAGIC_COOKIE: &'static str = "z9hG4bK";

    /// One value; lists are split before.
    pub fn parse(text: &'a str) -> Result<Via<'a>, HeaderError> {
        let (via, rest) = Via::parse_first(text)?;
        if rest.is_empty() { Ok(via) } else { Err(HeaderError::Parameter) }
    }

    /// The first value of a comma list, and what follows it from its comma on.
    pub(crate) fn parse_first(text: &'a str) -> Result<(Via<'a>, &'a str), HeaderError> {
        let text = trim(text);
        let rest = match text.strip_prefix("SIP/2.0/") {
            Some(rest) => rest,
            None => spaced_protocol(text).ok_or(HeaderError::Protocol)?,
        };
        let (transport, rest) = rest.split_at(TOKEN.run(rest.as_bytes()));
        let gap = spaces(rest.as_bytes());
        if transport.is_empty() || gap == 0 {
            return Err(HeaderError::Protocol);
        }
        let (host, rest) = Host::take(&rest[gap..]).ok_or(HeaderError::Host)?;
        let mut via = Via { transport, host, ..Via::default() };
        let mut rest = trim_start(rest);
        if let Some(after) = rest.strip_prefix(':') {
            let (port, after) = take_port(trim_start(after)).ok_or(HeaderError::Host)?;
            (via.port, rest) = (Some(port), trim_start(after));
        }
        let params = rest;
        while let Some((name, value)) = pop_param(&mut rest)? {
            match name.len() {
                6 if name.eq_ignore_ascii_case("branch") => via.branch = Some(value).filter(|value| !value.is_empty()),
                8 if name.eq_ignore_ascii_case("received") => via.received = Some(value),
                5 if name.eq_ignore_ascii_case("rport") => {
                    let port = if value.is_empty() { None } else { Some(exact(value)?) };
                    via.rport = Some(port);
                }
                _ => {}
            }
        }
        if !rest.is_empty() && !rest.starts_with(',') {
            return Err(HeaderError::Parameter);
        }
        via.params = Params::new(&params[..params.len() - rest.len()]);
        via.text = trim_end(&text[..text.len() - rest.len()]);
        Ok((via, rest))
    }

    /// Value of a parameter without its quotes; `""` for one without a value.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        self.params.find(name)
    }

    /// Whether the branch identifies the transaction by itself: magic cookie with something after it (RFC 3261 §17.2.3).
    pub fn has_unique_branch(&self) -> bool {
        let cookie = Via::MAGIC_COOKIE;
        self.branch.is_some_and(|branch| {
            branch.len() > cookie.len() && branch.as_bytes()[..cookie.len()].eq_ignore_ascii_case(cookie.as_bytes())
        })
    }
}

/// `SIP / 2.0 / UDP`, with spaces or folding, in any case; gives what follows the second slash.
fn spaced_protocol(text: &str) -> Option<&str> {
    let (name, rest) = text.split_once('/')?;
    let (version, rest) = rest.split_once('/')?;
    let is_sip = trim(name).eq_ignore_ascii_case("SIP") && trim(version) == "2.0";
    is_sip.then(|| trim_start(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_via() {
        let via = Via::parse("SIP/2.0/UDP [2001:db8::1]:5062 ;rport;branch=z9hG4bK1;received=192.0.2.1").unwrap();
        assert_eq!(via.host, Host::Ip("2001:db8::1".parse().unwrap()));
        assert_eq!((via.transport, via.port, via.rport, via.branch), ("UDP", Some(5062), Some(None), Some("z9hG4bK1")));
        assert_eq!((via.received, via.has_unique_branch()), (Some("192.0.2.1"), true));
        let via = Via::parse("sip  / 2.0\r\n / TCP   host.example.com : 5060 ;\r\n branch = a ;rport=5").unwrap();
        assert_eq!((via.transport, via.host, via.port), ("TCP", Host::Name("host.example.com"), Some(5060)));
        assert_eq!((via.branch, via.rport, via.has_unique_branch()), (Some("a"), Some(Some(5)), false));
        assert!(!Via::parse("SIP/2.0/UDP h;branch=z9hG4bK").unwrap().has_unique_branch());
    }

    #[test]
    fn malformed_via_is_refused() {
        for text in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ;branch=x",
            "SIP/3.0/UDP h",
            "SIP/2.0/UDP h:99999",
            "SIP/2.0/UDP h;;",
            "SIP/2.0/UDP h;rport=x",
            "SIP/2.0/UDP h i",
        ] {
            assert!(Via::parse(text).is_err(), "{text}");
        }
    }
}
