//! Session timers (RFC 4028): who refreshes a leg, and when it counts as dead.

use crate::settings::Settings;
use sip::build::Builder;
use sip::headers::Valued;
use sip::message::{Message, Name};
use std::time::{Duration, Instant};

/// The timer of one leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionTimer {
    /// What both sides agreed on.
    pub interval: Duration,
    /// Who sends the refreshes.
    pub refresher: Refresher,
    /// When our next refresh is due; `None` while one is under way, or where they refresh.
    pub refresh_at: Option<Instant>,
    /// When the leg is given up.
    pub expires_at: Instant,
}

/// One of the two ends of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refresher {
    Ours,
    Theirs,
}

/// Their Session-Expires is below what we take: 422 with our Min-SE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooSmall;

impl SessionTimer {
    fn new(now: Instant, interval: Duration, refresher: Refresher) -> SessionTimer {
        let refresh_at = match refresher {
            Refresher::Ours => Some(now + interval / 2),
            Refresher::Theirs => None,
        };
        // §10: a third of the interval, at most 32 s, before the end, so that the BYE comes in time.
        let expires_at = now + interval - (interval / 3).min(Duration::from_secs(32));
        SessionTimer { interval, refresher, refresh_at, expires_at }
    }

    /// What we answer to their INVITE or UPDATE (§9). `before` is the timer that it refreshes.
    pub(crate) fn of_request(
        now: Instant,
        request: &Message<'_>,
        settings: &Settings,
        before: Option<&SessionTimer>,
    ) -> Result<SessionTimer, TooSmall> {
        let asked = request.number(Name::SessionExpires).map(seconds);
        let least = request.number(Name::MinSe).map(seconds).unwrap_or_default().max(settings.min_session);
        let supported = request.has_option(Name::Supported, "timer") || request.has_option(Name::Require, "timer");
        if supported && asked.is_some_and(|asked| asked < settings.min_session) {
            return Err(TooSmall);
        }
        let ours = before.map_or(settings.session, |timer| timer.interval);
        let interval = asked.map_or(ours, |asked| asked.min(settings.session)).max(least);
        let refresher = match refresher_param(request) {
            Some("uac") if supported => Refresher::Theirs,
            Some(_) | None => Refresher::Ours,
        };
        Ok(SessionTimer::new(now, interval, refresher))
    }

    /// What they answered to our INVITE or UPDATE (§7.2); `None`: the session does not expire.
    pub(crate) fn of_response(now: Instant, response: &Message<'_>) -> Option<SessionTimer> {
        // Less than the smallest interval that there is (§5) would make us refresh without a pause.
        let interval = seconds(response.number(Name::SessionExpires)?).max(Duration::from_secs(90));
        let refresher = match refresher_param(response) {
            Some("uas") => Refresher::Theirs,
            Some(_) | None => Refresher::Ours,
        };
        Some(SessionTimer::new(now, interval, refresher))
    }

    /// The headers of a 2xx of ours.
    pub(crate) fn write_response(&self, request: &Message<'_>, response: Builder) -> Builder {
        let supported = request.has_option(Name::Supported, "timer") || request.has_option(Name::Require, "timer");
        let seconds = self.interval.as_secs();
        match self.refresher {
            Refresher::Theirs => response
                .header(Name::Require, "timer")
                .header(Name::SessionExpires, format_args!("{seconds};refresher=uac")),
            Refresher::Ours if supported => response
                .header(Name::Require, "timer")
                .header(Name::SessionExpires, format_args!("{seconds};refresher=uas")),
            Refresher::Ours => response.header(Name::SessionExpires, format_args!("{seconds};refresher=uas")),
        }
    }

    /// When something is to be done.
    pub(crate) fn due(&self) -> Instant {
        self.refresh_at.map_or(self.expires_at, |at| at.min(self.expires_at))
    }
}

/// The headers of an INVITE or UPDATE of ours; `timer` is the one that it refreshes, `least` the Min-SE of a 422.
pub(crate) fn write_request(
    settings: &Settings,
    timer: Option<&SessionTimer>,
    least: Duration,
    request: Builder,
) -> Builder {
    let least = least.max(settings.min_session).as_secs();
    let request = request.header(Name::MinSe, least);
    match timer {
        None => request.header(Name::SessionExpires, settings.session.as_secs().max(least)),
        Some(timer) => {
            let seconds = timer.interval.as_secs().max(least);
            let refresher = match timer.refresher {
                Refresher::Ours => "uac",
                Refresher::Theirs => "uas",
            };
            request.header(Name::SessionExpires, format_args!("{seconds};refresher={refresher}"))
        }
    }
}

fn refresher_param<'a>(message: &Message<'a>) -> Option<&'a str> {
    Valued::parse(message.header(Name::SessionExpires)?).param("refresher")
}

/// At most a day: longer is never, and would overflow an `Instant` with the largest values.
pub(crate) fn seconds(value: u32) -> Duration {
    Duration::from_secs(value.min(86_400).into())
}
