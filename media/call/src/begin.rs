//! A caller's first INVITE: whether it may become a call, and where that goes.

use crate::best::Failure;
use crate::call::{Call, Phase};
use crate::hunt::Hunt;
use crate::identity::Identity;
use crate::leg::{Awaits, Incoming, Leg, Peer, State};
use crate::output::Side;
use crate::recording::Recorded;
use crate::reliable::Reliable;
use crate::response::{Body, check_required};
use crate::service::Program;
use crate::session_timer::SessionTimer;
use crate::streams::{Path, Streams, Unfit, Wishes};
use crate::turn::{Core, Turn};
use proto::directory::{self, Target};
use sdp::Sdp;
use sip::dialog::Dialog;
use sip::endpoint::ServerId;
use sip::hop::Hop;
use sip::message::{Message, Name};
use std::time::Instant;

/// An INVITE that may become a call.
pub(crate) struct Admitted {
    target: Target,
    caller: String,
    hops_left: u8,
    offer: Option<Vec<u8>>,
}

/// What must hold of an INVITE, in the order of RFC 3261 §8.2.
pub(crate) fn admit(core: &Core, now: Instant, request: &Message<'_>) -> Result<Admitted, Failure> {
    let caller = request.header(Name::TandemCaller).ok_or_else(|| Failure::of(403))?.to_owned();
    let target = request.header(Name::TandemTarget).ok_or_else(|| Failure::of(403))?;
    let target = target.parse().map_err(|_| Failure::of(400))?;
    check_required(request)?;
    let offer = Body::of(request).description()?.map(<[u8]>::to_vec);
    if let Some(offer) = &offer {
        Sdp::parse(offer).map_err(|_| Failure::of(400))?;
    }
    let hops_left = request.max_forwards().unwrap_or(70).checked_sub(1).ok_or_else(|| Failure::of(483))?;
    SessionTimer::of_request(now, request, &core.settings, None)
        .map_err(|_| Failure::of(422).with(Name::MinSe, core.settings.min_session.as_secs()))?;
    Ok(Admitted { target, caller, hops_left, offer })
}

impl Call {
    /// The call of an admitted INVITE. `None`: it has no Contact.
    pub(crate) fn begin(
        turn: &mut Turn<'_>,
        server: ServerId,
        from: Hop,
        request: &Message<'_>,
        admitted: Admitted,
    ) -> Option<Call> {
        let Admitted { target, caller, hops_left, offer } = admitted;
        let (id, contact) = turn.leg();
        let dialog = Dialog::uas(request, "", &contact)?;
        let tag = turn.tag();
        let dialog = Dialog { local_tag: tag.clone(), ..dialog };
        let callee = match &target {
            Target::User { aor, .. } => aor.clone(),
            other => format!("{}@{}", other.kind(), turn.settings().cluster),
        };
        let path = path_of(turn, &caller, &callee);
        let near = offer.as_deref().and_then(|offer| Sdp::parse(offer).ok()?.media().first()?.rtp_address());
        let mut streams = Streams::new(path, Wishes::of(turn, &caller), turn.core.random.number(), near);
        streams.theirs = offer;
        let state = State::Incoming(Incoming {
            invite: server,
            request: request.bytes().to_vec(),
            dialog,
            told: 0,
            ringing: None,
            heard: None,
            awaits: Awaits::Nothing,
        });
        let leg = Leg {
            owner: caller.clone(),
            tags: vec![tag],
            peer: Peer::read(request),
            reliable: Reliable::to(request.cseq()),
            ..Leg::new(id, Side::Caller, from, contact, state, streams)
        };
        turn.core.owners.servers.insert(server, turn.call);
        let mut call = Call {
            key: turn.call,
            id: request.call_id().to_owned(),
            tag: request.from_tag().unwrap_or("").to_owned(),
            identity: Identity::of(request, &caller),
            target: match &target {
                Target::User { aor, .. } => aor.clone(),
                other => other.to_string(),
            },
            kind: target.kind().to_owned(),
            caller,
            callee,
            hops_left,
            path,
            legs: vec![leg],
            phase: Phase::Hunting(Hunt::default()),
            exchange: None,
            recorded: Recorded::No,
            taped: None,
            refers: Vec::new(),
            begun: turn.wall,
            answered: None,
            status: 0,
            reported: "",
            scheduled: None,
        };
        call.report(turn);
        let streams = &call.legs[0].streams;
        let fits = streams.theirs.as_ref().map_or(Ok(()), |offer| streams.check_offer(offer));
        if let Err(failure) = fits.map_err(Unfit::for_sender).and_then(|()| call.reach(turn, target)) {
            call.end(turn, "refused", None, failure);
        }
        Some(call)
    }

    /// Goes for a target: rings a user's phones, or serves the caller here.
    pub(crate) fn reach(&mut self, turn: &mut Turn<'_>, target: Target) -> Result<(), Failure> {
        match target {
            Target::User { aor, instance } => match self.locate(turn, aor, instance) {
                true => Ok(()),
                false => Err(Failure::of(480)),
            },
            Target::Hangup => Err(Failure::of(603)),
            other => match Program::of(&other, &turn.core.view.directory.load(), &self.language(turn)) {
                Some(program) => {
                    self.serve(turn, program);
                    Ok(())
                }
                None => {
                    let reason = format!(r#"SIP;cause=501;text="No {} in this version""#, other.kind());
                    Err(Failure::of(501).with(Name::Reason, reason))
                }
            },
        }
    }
}

/// Media goes from phone to phone where both users want it so.
pub(crate) fn path_of(turn: &Turn<'_>, caller: &str, callee: &str) -> Path {
    let directory = turn.core.view.directory.load();
    let media = |aor: &str| directory.user(aor).map(|user| directory.media(user));
    match (media(caller), media(callee)) {
        (Some(directory::Media::Direct), Some(directory::Media::Direct)) => Path::Direct,
        (_, _) => Path::Anchored,
    }
}
