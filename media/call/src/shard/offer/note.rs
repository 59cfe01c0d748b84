//! The value of `Tandem-Offer`.

use std::fmt;
use std::net::SocketAddr;

/// Which shard offers a request to which, as `FROM TO` or `FROM TO yours`; it comes back unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Note {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub claim: Claim,
}

/// Whose call a shard believes it to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// Whoever takes it first.
    Open,
    /// The other one's: the sender has declined it, or passed it on before.
    Yours,
}

impl Note {
    pub(super) fn read(value: &str) -> Option<Note> {
        let mut words = value.split(' ');
        let (from, to) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let claim = match words.next() {
            None => Claim::Open,
            Some("yours") => Claim::Yours,
            Some(_) => return None,
        };
        Some(Note { from, to, claim })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Note { from, to, claim } = self;
        match claim {
            Claim::Open => write!(f, "{from} {to}"),
            Claim::Yours => write!(f, "{from} {to} yours"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for claim in [Claim::Open, Claim::Yours] {
            let note = Note { from: ([10, 0, 1, 1], 5090).into(), to: "[fd00::1]:5091".parse().unwrap(), claim };
            assert_eq!(Note::read(&note.to_string()), Some(note));
        }
        for wrong in ["", "10.0.1.1:5090", "10.0.1.1:5090 10.0.1.2:5090 mine", "10.0.1.1 10.0.1.2"] {
            assert_eq!(Note::read(wrong), None, "{wrong}");
        }
    }
}
