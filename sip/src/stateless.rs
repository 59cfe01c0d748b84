//! What a stateless proxy computes instead of remembering (RFC 3261 §16.11).

use crate::message::Message;
use crate::token::BranchKey;
use crate::uri::Host;
use siphasher::sip128::{Hasher128, SipHasher24};
use std::fmt;
use std::hash::Hasher;
use std::net::IpAddr;
use std::ops::Deref;

/// Via branch for a request that is forwarded; equal for its retransmissions, its CANCEL and the ACK of its failure, and for every
/// proxy that holds the key.
///
/// It is made of the topmost Via's branch and sent-by and, should a phone use one branch twice, of Call-ID, From tag and CSeq number.
/// Where the branch lacks the magic cookie (RFC 2543), of the whole Via and the Request-URI instead. What differs between INVITE,
/// CANCEL and ACK, the To tag and the CSeq method, is left out.
pub fn branch(request: &Message<'_>, key: &BranchKey) -> Branch {
    let via = request.via();
    let mut hasher = PartsHasher::new(key.words);
    match via.branch.filter(|_| via.has_unique_branch()) {
        Some(branch) => {
            hasher.part(branch.as_bytes());
            match via.host {
                Host::Name(name) => hasher.part(name.as_bytes()),
                Host::Ip(IpAddr::V4(address)) => hasher.part(&address.octets()),
                Host::Ip(IpAddr::V6(address)) => hasher.part(&address.octets()),
            }
            hasher.part(&via.port.unwrap_or(0).to_be_bytes());
        }
        None => {
            hasher.part(via.text.as_bytes());
            hasher.part(request.request_uri().as_bytes());
        }
    }
    hasher.part(request.call_id().as_bytes());
    hasher.part(request.from_tag().unwrap_or_default().as_bytes());
    hasher.part(&request.cseq().to_be_bytes());
    Branch::from_hash(hasher.finish())
}

/// Hashes texts so that no two lists of them are hashed alike.
pub(crate) struct PartsHasher(SipHasher24);

impl PartsHasher {
    pub(crate) fn new(key: (u64, u64)) -> PartsHasher {
        PartsHasher(SipHasher24::new_with_keys(key.0, key.1))
    }

    pub(crate) fn finish(&self) -> u128 {
        self.0.finish128().as_u128()
    }

    pub(crate) fn part(&mut self, bytes: &[u8]) {
        self.0.write(&(bytes.len() as u32).to_be_bytes());
        self.0.write(bytes);
    }
}

/// A Via branch: the magic cookie and 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Branch {
    text: [u8; LENGTH],
}

impl Branch {
    pub(crate) fn from_hash(hash: u128) -> Branch {
        let mut text = [0; LENGTH];
        text[..COOKIE.len()].copy_from_slice(COOKIE.as_bytes());
        let digits = text[COOKIE.len()..].chunks_exact_mut(2);
        for (pair, byte) in digits.zip(hash.to_be_bytes()) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        Branch { text }
    }

    /// The hash in a branch that [`Branch::from_hash`] may have made.
    pub(crate) fn hash_of(branch: &str) -> Option<u128> {
        u128::from_str_radix(branch.strip_prefix(COOKIE)?, 16).ok()
    }
}

impl Deref for Branch {
    type Target = str;

    fn deref(&self) -> &str {
        str::from_utf8(&self.text).expect("cookie and digits are ASCII")
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Branch({self})")
    }
}

/// How a branch begins whose sender keeps it unique (RFC 3261 §8.1.1.7).
pub const COOKIE: &str = "z9hG4bK";
const LENGTH: usize = COOKIE.len() + 32;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKnashds8\r\n\
        From: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\n\
        Call-ID: c1@192.0.2.1\r\nCSeq: 7 INVITE\r\nMax-Forwards: 70\r\n\r\n";

    fn of(request: &str) -> Branch {
        branch(&Message::parse(request.as_bytes()).unwrap(), &BranchKey::new(&[5; 32]))
    }

    #[test]
    fn retransmission_cancel_and_ack_follow_their_invite() {
        for invite in
            [INVITE.to_owned(), INVITE.replace("z9hG4bK", "old"), INVITE.replace(";branch=z9hG4bKnashds8", "")]
        {
            let expected = of(&invite);
            assert!(expected.starts_with(COOKIE) && expected.len() == 39);
            assert_eq!(of(&invite.replace("INVITE", "CANCEL")), expected);
            let ack = invite.replace("INVITE", "ACK").replace("bob@example.com>", "bob@example.com>;tag=2");
            assert_eq!(of(&ack), expected);
            assert_eq!(of(&invite.replace("Max-Forwards: 70", "Max-Forwards: 69")), expected);
        }
    }

    #[test]
    fn whatever_names_another_transaction_has_another_branch() {
        for (from, to) in [
            ("nashds8", "nashds9"),
            ("192.0.2.1:5060", "192.0.2.2:5060"),
            ("192.0.2.1:5060", "192.0.2.1:5061"),
            ("192.0.2.1:5060", "[2001:db8::1]:5060"),
            ("192.0.2.1:5060", "phone.example.com:5060"),
            ("tag=1", "tag=2"),
            ("Call-ID: c1", "Call-ID: c2"),
            ("CSeq: 7", "CSeq: 8"),
        ] {
            assert_ne!(of(&INVITE.replace(from, to)), of(INVITE), "{from} -> {to}");
        }
        let old = INVITE.replace("z9hG4bK", "old");
        assert_ne!(of(&old.replace("INVITE sip:bob", "INVITE sip:carol")), of(&old));
        let other = branch(&Message::parse(INVITE.as_bytes()).unwrap(), &BranchKey::new(&[6; 32]));
        assert_ne!(other, of(INVITE), "the key counts");
    }

    #[test]
    fn machines_agree_on_a_branch() {
        assert_eq!(&*of(INVITE), "z9hG4bKcbc84c0a823e13375277f3d7b51c67fa");
    }
}
