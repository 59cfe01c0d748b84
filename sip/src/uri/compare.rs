use super::{Scheme, Uri, unescaped};

impl Uri<'_> {
    /// Equality of RFC 3261 §19.1.4 and RFC 3966 §5: not the same text, but the same resource.
    pub fn equivalent(&self, other: &Uri<'_>) -> bool {
        if self.scheme != other.scheme {
            return false;
        }
        match self.scheme {
            Scheme::Sip | Scheme::Sips => {
                same_text(self.user, other.user)
                    && same_text(self.password, other.password)
                    && self.host == other.host
                    && self.port == other.port
                    && self.params_agree(other)
                    && other.params_agree(self)
                    && self.headers_in(other)
                    && other.headers_in(self)
            }
            Scheme::Tel => {
                let digits = |uri: &Uri<'_>| unpunctuated(uri.user.unwrap_or(""));
                digits(self) == digits(other) && self.tel_params_in(other) && other.tel_params_in(self)
            }
            Scheme::Other => self.text == other.text,
        }
    }

    /// What both have must match; these count even if one has them only: user, ttl, method, maddr, transport.
    fn params_agree(&self, other: &Uri<'_>) -> bool {
        self.params().all(|(name, value)| match other.param(name) {
            Some(found) => same_text_any_case(value, found),
            None => {
                !["user", "ttl", "method", "maddr", "transport"].iter().any(|counts| name.eq_ignore_ascii_case(counts))
            }
        })
    }

    fn headers_in(&self, other: &Uri<'_>) -> bool {
        self.headers.split('&').all(|header| {
            let (name, value) = header.split_once('=').unwrap_or((header, ""));
            other.headers.split('&').any(|candidate| {
                let (found, candidate) = candidate.split_once('=').unwrap_or((candidate, ""));
                same_text_any_case(name, found) && unescaped(value) == unescaped(candidate)
            })
        })
    }

    fn tel_params_in(&self, other: &Uri<'_>) -> bool {
        self.params().all(|(name, value)| other.param(name).is_some_and(|found| found.eq_ignore_ascii_case(value)))
    }
}

fn same_text(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b || unescaped(a) == unescaped(b),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn same_text_any_case(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || unescaped(a).eq_ignore_ascii_case(&unescaped(b))
}

fn unpunctuated(number: &str) -> String {
    number.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')')).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equivalent(a: &str, b: &str) -> bool {
        let (a, b) = (Uri::parse(a).unwrap(), Uri::parse(b).unwrap());
        assert_eq!(a.equivalent(&b), b.equivalent(&a));
        a.equivalent(&b)
    }

    /// The examples of RFC 3261 §19.1.4.
    #[test]
    fn rfc3261_19_1_4() {
        for (a, b) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
        ] {
            assert!(equivalent(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ] {
            assert!(!equivalent(a, b), "{a} {b}");
        }
        assert!(equivalent("tel:+1-201-555-0123", "tel:+1(201)5550123"));
    }
}
