//! Which of many failures the caller hears (RFC 3261 §16.7 step 6, as a B2BUA sees it).

use sip::message::Name;

/// Why a phone, or the exchange itself, does not take a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// 300–699.
    pub status: u16,
    /// Headers that go with it.
    pub lines: Vec<(Name, String)>,
}

impl Failure {
    /// A failure without a word more.
    pub(crate) fn of(status: u16) -> Failure {
        Failure { status, lines: Vec::new() }
    }

    /// The first Reason.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.lines.iter().find(|(name, _)| *name == Name::Reason).map(|(_, value)| &**value)
    }

    /// With a header.
    pub(crate) fn with(mut self, name: Name, value: impl ToString) -> Failure {
        self.lines.push((name, value.to_string()));
        self
    }
}

/// The best of the failures so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Best(Option<Failure>);

impl Best {
    /// Takes one more failure into account; of equals the first stays.
    pub(crate) fn add(&mut self, failure: Failure) {
        if self.0.as_ref().is_none_or(|best| rank(failure.status) < rank(best.status)) {
            self.0 = Some(failure);
        }
    }

    /// What the caller is answered; 480 where nothing was even tried.
    pub(crate) fn take(&mut self) -> Failure {
        self.0.take().unwrap_or_else(|| Failure::of(480))
    }
}

/// What a phone's failure to take a call is for the caller. Challenges are not passed on: the caller has no password for another's
/// phone and must not be made to show it one.
pub(crate) fn for_caller(status: u16) -> u16 {
    match status {
        401 | 402 | 407 => 502,
        // The phone has restarted, is out of reach, sends us elsewhere, or its address now belongs to another.
        300..=399 | 404 | 408 | 410 | 430 | 481 | 487 => 480,
        other => within(other),
    }
}

/// What a failure within a dialog is for the other side (RFC 3261 §16.7 step 6 for 503).
pub(crate) fn within(status: u16) -> u16 {
    match status {
        300..=399 | 401 | 407 | 503 => 500,
        other => other,
    }
}

/// Whether another flow of the same phone is worth a try (RFC 5626 §5.3, §11.5).
pub(crate) fn is_flow_failure(status: u16) -> bool {
    matches!(status, 408 | 410 | 430 | 503)
}

/// Lower is better: a refusal that speaks for all phones, then what tells the caller how to call better, then busy, then the rest.
fn rank(status: u16) -> u16 {
    match status {
        600.. => 0,
        415 | 420 | 421 | 484 | 488 => 1,
        486 => 2,
        480 => 4,
        400..500 => 3,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(of: &[u16]) -> u16 {
        let mut best = Best::default();
        of.iter().for_each(|&status| best.add(Failure::of(for_caller(status))));
        best.take().status
    }

    #[test]
    fn the_caller_hears_what_helps_most() {
        assert_eq!(best(&[]), 480);
        assert_eq!(best(&[480, 486, 408]), 486);
        assert_eq!(best(&[486, 603, 488]), 603);
        assert_eq!(best(&[500, 480]), 480);
        assert_eq!(best(&[486, 415]), 415);
        assert_eq!(best(&[407]), 502);
        assert_eq!(best(&[503]), 500);
        assert_eq!(best(&[302, 404]), 480);
    }
}
