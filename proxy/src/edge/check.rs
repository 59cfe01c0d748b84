//! What a request must be before anybody looks at who sent it (RFC 3261 §16.3).

use super::Passage;
use super::route::{Foreign, OwnRoutes};
use super::verdict::{Verdict, reason};
use super::via::LOOP;
use sip::headers::Via;
use sip::uri::{Scheme, Uri};
use sip::{Method, Name};

impl<'a> Passage<'a> {
    /// Scheme, Max-Forwards, loop and Proxy-Require, in the RFC's order; gives the request URI.
    pub(super) fn check(&self) -> Result<Uri<'a>, Verdict<'a>> {
        let refused = |status| Err(Verdict::Refused(status, reason(status)));
        let message = self.message;
        let Ok(uri) = Uri::parse(message.request_uri()) else { return refused(400) };
        if uri.scheme == Scheme::Other {
            return refused(416);
        }
        let ends_here = match message.method() {
            Method::Register => true,
            Method::Options => self.is_for_us(&uri),
            _ => false,
        };
        if message.max_forwards() == Some(0) && !ends_here {
            return refused(483);
        }
        // What is never handed on cannot come back.
        if !ends_here && self.has_looped() {
            return refused(482);
        }
        if let Some(option) = message.values(Name::ProxyRequire).next() {
            return Err(Verdict::BadExtension(option));
        }
        Ok(uri)
    }

    /// Refuses a request outside of dialogs whose Route leads beyond us: nobody is relayed to other proxies.
    pub(super) fn ends_with_us(&self, routes: &OwnRoutes) -> Result<(), Verdict<'a>> {
        match routes.foreign {
            Foreign::None => Ok(()),
            Foreign::Follows => Err(Verdict::Refused(403, "Not relaying to other proxies")),
        }
    }

    /// Whether the request passed us before with the same request URI.
    fn has_looped(&self) -> bool {
        let marks = self.message.values(Name::Via).filter_map(|via| Via::parse(via).ok()?.param(LOOP));
        { marks }.any(|mark| u32::from_str_radix(mark, 16) == Ok(self.loop_mark()))
    }
}
