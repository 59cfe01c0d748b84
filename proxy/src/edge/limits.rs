//! How much one source may send, and who is shut out.

use crate::recent::Recent;
use net::Network;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// What one source (an IPv4 address or an IPv6 /64) may do.
#[derive(Clone, Debug)]
pub struct LimitSettings {
    /// Messages a second that a source may send for long, at least 1. An office behind one address is one source.
    pub rate: u32,
    /// Messages that it may send at once.
    pub burst: u32,
    /// Failed authentications that it may have at once before it is banned.
    pub failures: u32,
    /// After this time, one failed authentication is forgiven.
    pub forgiveness: Duration,
    /// How long a ban lasts; what a banned source sends is dropped unread.
    pub ban: Duration,
    /// Sources remembered at most; the longest silent one is forgotten first.
    pub sources: usize,
    /// Networks that are never limited or banned.
    pub exempt: Vec<Network>,
}

impl Default for LimitSettings {
    fn default() -> LimitSettings {
        LimitSettings {
            // A thousand phones behind one address after a power cut register within a few seconds.
            rate: 500,
            burst: 4000,
            // A phone with a wrong password that tries every 30 s stays below; a guesser is out within a second.
            failures: 20,
            forgiveness: Duration::from_secs(10),
            ban: Duration::from_secs(300),
            sources: 65_536,
            exempt: Vec::new(),
        }
    }
}

/// What becomes of a message by its source alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is handled.
    Admitted,
    /// The source sent too much: the message is dropped.
    Limited,
    /// The source is shut out.
    Banned,
}

/// The accounts of all sources of one worker.
pub struct Limits {
    settings: LimitSettings,
    accounts: Recent<IpAddr, Account>,
}

struct Account {
    messages: Bucket,
    failures: Bucket,
    banned_until: Option<Instant>,
}

impl Limits {
    /// With no account yet.
    pub fn new(settings: LimitSettings) -> Limits {
        Limits { accounts: Recent::new(settings.sources), settings }
    }

    /// Counts a message from `peer` and says what becomes of it.
    pub fn admit(&mut self, now: Instant, peer: IpAddr) -> Admission {
        if self.is_exempt(peer) {
            return Admission::Admitted;
        }
        let (rate, burst) = (self.settings.rate.max(1), self.settings.burst);
        let account = self.account(now, peer);
        match account.banned_until {
            Some(until) if now < until => Admission::Banned,
            Some(_) | None if account.messages.take(now, Duration::from_secs(1) / rate, burst) => Admission::Admitted,
            Some(_) | None => Admission::Limited,
        }
    }

    /// Counts a failed authentication; says `Banned` when this one was too much.
    pub fn failed(&mut self, now: Instant, peer: IpAddr) -> Admission {
        if self.is_exempt(peer) {
            return Admission::Admitted;
        }
        let (forgiveness, failures, ban) = (self.settings.forgiveness, self.settings.failures, self.settings.ban);
        let account = self.account(now, peer);
        if account.failures.take(now, forgiveness, failures) {
            return Admission::Admitted;
        }
        account.banned_until = Some(now + ban);
        Admission::Banned
    }

    /// Whether `peer` is shut out now.
    pub fn is_banned(&self, now: Instant, peer: IpAddr) -> bool {
        let account = self.accounts.peek(&source(peer));
        account.is_some_and(|account| account.banned_until.is_some_and(|until| now < until))
    }

    fn is_exempt(&self, peer: IpAddr) -> bool {
        self.settings.exempt.iter().any(|network| network.contains(peer))
    }

    fn account(&mut self, now: Instant, peer: IpAddr) -> &mut Account {
        let source = source(peer);
        if self.accounts.peek(&source).is_none() {
            let account = Account { messages: Bucket::full(now), failures: Bucket::full(now), banned_until: None };
            self.accounts.insert(source, account);
        }
        self.accounts.get_mut(&source).expect("there is an account for every source that was seen just now")
    }
}

/// The half of an IPv6 address that names a network: a site has 2^64 addresses to choose from within it.
fn source(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// A token bucket kept as the time at which it will be full again (the leaky bucket of ITU-T I.371 as virtual scheduling).
struct Bucket {
    full_at: Instant,
}

impl Bucket {
    fn full(now: Instant) -> Bucket {
        Bucket { full_at: now }
    }

    /// Takes one of `size` tokens, of which one comes back every `interval`; false when there is none.
    fn take(&mut self, now: Instant, interval: Duration, size: u32) -> bool {
        let full_at = self.full_at.max(now) + interval;
        let fits = full_at - now <= interval.saturating_mul(size);
        if fits {
            self.full_at = full_at;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits::new(LimitSettings {
            rate: 10,
            burst: 20,
            failures: 3,
            exempt: vec!["127.0.0.0/8".parse().unwrap()],
            ..LimitSettings::default()
        })
    }

    fn admitted(limits: &mut Limits, now: Instant, peer: &str, messages: usize) -> usize {
        let peer = peer.parse().unwrap();
        (0..messages).filter(|_| limits.admit(now, peer) == Admission::Admitted).count()
    }

    #[test]
    fn a_source_may_send_its_burst_and_then_its_rate() {
        let (mut limits, now) = (limits(), Instant::now());
        assert_eq!(admitted(&mut limits, now, "192.0.2.1", 100), 20);
        assert_eq!(admitted(&mut limits, now + Duration::from_secs(1), "192.0.2.1", 100), 10);
        assert_eq!(admitted(&mut limits, now, "192.0.2.2", 100), 20);
    }

    #[test]
    fn an_exempt_network_is_neither_limited_nor_banned() {
        let (mut limits, now) = (limits(), Instant::now());
        assert_eq!(admitted(&mut limits, now, "127.0.0.1", 100), 100);
        for _ in 0..100 {
            assert_eq!(limits.failed(now, [127, 0, 0, 1].into()), Admission::Admitted);
        }
    }

    #[test]
    fn failed_authentications_ban_a_source_for_a_while() {
        let (mut limits, now, peer) = (limits(), Instant::now(), IpAddr::from([192, 0, 2, 1]));
        for _ in 0..3 {
            assert_eq!(limits.failed(now, peer), Admission::Admitted);
        }
        assert_eq!(limits.failed(now, peer), Admission::Banned);
        assert!(limits.is_banned(now, peer) && limits.admit(now, peer) == Admission::Banned);
        let later = now + LimitSettings::default().ban;
        assert!(!limits.is_banned(later, peer) && limits.admit(later, peer) == Admission::Admitted);
    }

    #[test]
    fn rare_failures_are_forgiven() {
        let (mut limits, now, peer) = (limits(), Instant::now(), IpAddr::from([192, 0, 2, 1]));
        for n in 0..100 {
            assert_eq!(limits.failed(now + LimitSettings::default().forgiveness * n, peer), Admission::Admitted);
        }
    }

    #[test]
    fn an_ipv6_site_is_one_source() {
        let (mut limits, now) = (limits(), Instant::now());
        assert_eq!(admitted(&mut limits, now, "2001:db8::1", 100), 20);
        assert_eq!(admitted(&mut limits, now, "2001:db8::2", 100), 0);
        assert_eq!(admitted(&mut limits, now, "2001:db8:0:1::1", 100), 20);
    }
}
