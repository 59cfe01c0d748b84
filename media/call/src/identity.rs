//! Who the called side is told is calling (RFC 3323, RFC 3325): what a proxy asserted, never what a phone says of itself.

use sip::headers::NameAddr;
use sip::message::{Message, Name};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Name and address.
    address: String,
    privacy: Privacy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Privacy {
    None,
    /// The called side is not told who calls.
    Wanted,
}

impl Identity {
    /// The identity that the proxy asserted of the caller; without one, the caller's address of record.
    pub(crate) fn of(request: &Message<'_>, caller: &str) -> Identity {
        let asserted = request
            .values(Name::PAssertedIdentity)
            .find(|value| NameAddr::parse(value).is_ok_and(|address| address.uri().is_ok()));
        let wants = |level: &str| ["id", "user", "header"].iter().any(|it| it.eq_ignore_ascii_case(level.trim_ascii()));
        let privacy = request.all(Name::Privacy).flat_map(|value| value.split([';', ','])).any(wants);
        Identity {
            address: asserted.map_or_else(|| format!("<sip:{caller}>"), str::to_owned),
            privacy: if privacy { Privacy::Wanted } else { Privacy::None },
        }
    }

    /// Of a call that another shard had.
    pub(crate) fn restored(address: &str, privacy: Privacy) -> Identity {
        Identity { address: address.to_owned(), privacy }
    }

    /// Name and address, whatever the called side is told.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Value of From, without tag.
    pub(crate) fn shown(&self) -> &str {
        match self.privacy {
            Privacy::None => &self.address,
            Privacy::Wanted => r#""Anonymous" <sip:anonymous@anonymous.invalid>"#,
        }
    }

    /// Value of P-Asserted-Identity.
    pub(crate) fn asserted(&self) -> Option<&str> {
        match self.privacy {
            Privacy::None => Some(&self.address),
            Privacy::Wanted => None,
        }
    }
}
