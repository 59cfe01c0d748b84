//! Calls that the exchange takes itself: the seam between a call and what a caller hears in it.
//!
//! A service is a small state machine: it says what it can play and what it wants to know, is told of keys and of prompts that
//! have been played, and says what comes next. The call does the rest: answering, hold, re-INVITE, hanging up.

mod conference;
mod echo;
mod prompt;

use crate::best::Failure;
use crate::call::{Call, Phase};
use crate::exchange::Ask;
use crate::info::Key;
use crate::leg::{Awaits, LegId};
use crate::media::{MediaEvent, Order, Sound, Tape, TapeFacts};
use crate::output::{PromptSource, Query, QueryId};
use crate::response::response;
use crate::streams::{Accept, Path, Unfit};
use crate::turn::{Core, Turn};
use proto::directory::{Directory, Target};
use sdp::service::Agreed;
use sip::endpoint::ServerId;
use sip::message::{Message, Method, Name};
use std::time::{Duration, Instant};

/// What a caller is in.
#[derive(Debug)]
pub(crate) struct Service {
    pub program: Program,
    /// The prompt that is being looked for; the call is answered when it is there.
    pub query: Option<QueryId>,
    /// What the caller's phone and we agreed on.
    agreed: Option<Agreed>,
    /// When the room was last asked for something.
    ordered: Option<Instant>,
}

/// Which service.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Program {
    Echo(echo::Echo),
    Prompt(prompt::Announcement),
    Conference(conference::Meeting),
}

/// How far a caller was in a service on another shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Was {
    /// Anywhere but in a room.
    Served,
    InRoom,
}

/// What a service wants next.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// Nothing changes.
    Stay,
    /// What is heard is another sound now.
    Play,
    /// The same, after a wrong PIN.
    WrongPin,
    /// The participant asks this of the room.
    Order(Order),
    HangUp,
}

impl Program {
    /// The service of a target for a caller who is spoken to in `language`; `None`: not one that the exchange has.
    pub(crate) fn of(target: &Target, directory: &Directory, language: &str) -> Option<Program> {
        match target {
            Target::Echo => Some(Program::Echo(echo::Echo)),
            Target::Say(text) => Some(Program::Prompt(prompt::Announcement::new(PromptSource::Say(text.clone())))),
            Target::Play(file) => Some(Program::Prompt(prompt::Announcement::new(PromptSource::Play(file.clone())))),
            Target::Conference(name) => {
                let conference = directory.conference(name)?;
                Some(Program::Conference(conference::Meeting::new(conference, language)))
            }
            Target::User { .. }
            | Target::Hangup
            | Target::Menu(_)
            | Target::Queue(_)
            | Target::Voicemail(_)
            | Target::Mailbox(_)
            | Target::Parking { .. }
            | Target::Trunk { .. } => None,
        }
    }

    /// What leads to it.
    pub(crate) fn target(&self) -> Target {
        match self {
            Program::Echo(_) => Target::Echo,
            Program::Prompt(announcement) => match &announcement.source {
                PromptSource::Say(text) => Target::Say(text.clone()),
                PromptSource::Play(file) => Target::Play(file.clone()),
            },
            Program::Conference(meeting) => Target::Conference(meeting.room.to_string()),
        }
    }

    /// The caller is in a room, and no longer at its door.
    pub(crate) fn is_inside(&self) -> bool {
        match self {
            Program::Conference(meeting) => meeting.is_inside(),
            Program::Echo(_) | Program::Prompt(_) => false,
        }
    }

    /// Which codecs it can do with.
    fn accept(&self) -> Accept {
        match self {
            Program::Echo(_) => Accept::Any,
            Program::Prompt(_) | Program::Conference(_) => Accept::Sound,
        }
    }

    /// What must be known before the call is answered.
    fn wants(&self) -> Option<PromptSource> {
        match self {
            Program::Echo(_) => None,
            Program::Prompt(announcement) => Some(announcement.source.clone()),
            Program::Conference(meeting) => meeting.wants(),
        }
    }

    fn handle_prompt(&mut self, prompt: Option<audio::Prompt>) {
        match self {
            Program::Echo(_) => {}
            Program::Prompt(announcement) => announcement.handle_prompt(prompt),
            Program::Conference(meeting) => meeting.handle_prompt(prompt),
        }
    }

    fn sound(&self) -> Sound {
        match self {
            Program::Echo(_) => Sound::Echo,
            Program::Prompt(announcement) => announcement.sound(),
            Program::Conference(meeting) => meeting.sound(),
        }
    }

    fn handle_event(&mut self, event: MediaEvent) -> Step {
        match self {
            Program::Echo(echo) => echo.handle_event(event),
            Program::Prompt(announcement) => announcement.handle_event(event),
            Program::Conference(meeting) => meeting.handle_event(event),
        }
    }
}

/// Builtin tones are those of the region's country.
pub(crate) fn with_country(core: &Core, name: String) -> String {
    let directory = core.view.directory.load();
    let is_tone = name.strip_prefix("builtin:").is_some_and(|tone| audio::Tones::of("").named(tone).is_some());
    let country = directory.region(&core.settings.region).and_then(|region| region.country());
    match country.filter(|_| is_tone) {
        Some(country) => format!("{name}-{country}"),
        None => name,
    }
}

impl Call {
    /// Puts the caller into a service.
    pub(crate) fn serve(&mut self, turn: &mut Turn<'_>, mut program: Program) {
        if let Program::Conference(meeting) = &mut program
            && meeting.is_at_door()
            && turn.core.doors.is_shut(turn.now, &meeting.room, &self.caller)
        {
            meeting.refuse();
        }
        // The exchange is the other phone: there is nobody whom media could reach directly.
        self.path = Path::Anchored;
        self.caller_leg().streams.path = Path::Anchored;
        let query = program.wants().map(|source| self.ask_prompt(turn, source));
        self.phase = Phase::Serving(Service { program, query, agreed: None, ordered: None });
        if query.is_none() {
            self.answer_service(turn);
        }
    }

    /// The prompt that was asked for; the builtin chime where there is none.
    pub(crate) fn handle_prompt(&mut self, turn: &mut Turn<'_>, query: QueryId, prompt: Option<audio::Prompt>) {
        turn.core.owners.queries.remove(&query);
        let Phase::Serving(service) = &mut self.phase else { return };
        if service.query.take_if(|asked| *asked == query).is_some() {
            service.program.handle_prompt(prompt);
            match service.agreed {
                Some(agreed) => self.play(turn, agreed),
                None => self.answer_service(turn),
            }
        }
    }

    /// Puts a caller who has been answered by another shard into the service again, from its beginning; into a room that the caller
    /// was in, past its door.
    pub(crate) fn serve_again(&mut self, turn: &mut Turn<'_>, mut program: Program, was: Was) {
        if let (Program::Conference(meeting), Was::InRoom) = (&mut program, was) {
            meeting.enter_again();
        }
        let theirs = self.caller_leg().streams.theirs.clone().unwrap_or_default();
        let agreed = sdp::Sdp::parse(&theirs).ok().and_then(|theirs| {
            let streams = &self.caller_leg().streams;
            streams.agree(turn, &theirs, program.accept()).ok()
        });
        let query = program.wants().map(|source| self.ask_prompt(turn, source));
        self.phase = Phase::Serving(Service { program, query, agreed, ordered: None });
        if let (None, Some(agreed)) = (query, agreed) {
            self.play(turn, agreed);
        }
    }

    fn ask_prompt(&self, turn: &mut Turn<'_>, source: PromptSource) -> QueryId {
        let language = self.language(turn);
        let source = match source {
            PromptSource::Play(name) => PromptSource::Play(with_country(turn.core, name)),
            PromptSource::Say(_) => source,
        };
        turn.query(Query::Prompt { source, language })
    }

    /// The caller's, or else this region's.
    pub(crate) fn language(&self, turn: &Turn<'_>) -> String {
        let directory = turn.core.view.directory.load();
        let of_caller = directory.user(&self.caller).and_then(|user| directory.language(user, None));
        let of_region = || directory.region(&turn.core.settings.region)?.language.as_deref();
        of_caller.or_else(of_region).unwrap_or("en").to_owned()
    }

    fn answer_service(&mut self, turn: &mut Turn<'_>) {
        let Phase::Serving(service) = &mut self.phase else { return };
        let accept = service.program.accept();
        let offer = self.caller_leg().streams.theirs.clone();
        let streams = &mut self.caller_leg().streams;
        let (agreed, told) = match &offer {
            Some(offer) => match streams.answer(turn, offer, accept) {
                Ok((agreed, told)) => (Some(agreed), Ok(told)),
                Err(unfit) => (None, Err(unfit)),
            },
            None => (None, streams.offer(turn)),
        };
        let told = match told {
            Ok(told) => told,
            Err(unfit) => return self.end(turn, "no agreement on media", None, unfit.for_sender()),
        };
        self.caller_leg().streams.ours = Some(told.clone());
        let awaits = if offer.is_some() { Awaits::Nothing } else { Awaits::Answer };
        self.answer_caller(turn, None, Some(told), awaits);
        if let Some(agreed) = agreed {
            self.play(turn, agreed);
        }
    }

    /// The caller's answer to our own offer.
    pub(crate) fn handle_service_answer(&mut self, turn: &mut Turn<'_>, id: LegId, answer: &[u8]) {
        let Phase::Serving(service) = &mut self.phase else { return };
        let accept = service.program.accept();
        let agreed = sdp::Sdp::parse(answer).ok().and_then(|answer| {
            let streams = &self.leg(id)?.streams;
            streams.agree(turn, &answer, accept).ok()
        });
        let Some(agreed) = agreed else {
            return self.end(turn, "no agreement on media", None, Failure::of(488));
        };
        if let Some(leg) = self.leg(id) {
            if let Err(unfit) = leg.streams.check_answer(leg.streams.ours.as_deref().unwrap_or_default(), answer) {
                return self.end(turn, "no agreement on media", None, unfit.for_sender());
            }
            leg.streams.theirs = Some(answer.to_vec());
        }
        self.play(turn, agreed);
    }

    /// The caller offers anew: hold, resume, another codec.
    pub(crate) fn serve_offer(
        &mut self,
        turn: &mut Turn<'_>,
        ask: Ask<'_>,
        offer: Option<&[u8]>,
    ) -> Result<(), Failure> {
        let Phase::Serving(service) = &mut self.phase else { return Err(Failure::of(491)) };
        let accept = service.program.accept();
        let leg = self.leg(ask.leg).ok_or_else(|| Failure::of(481))?;
        let (awaits, told) = match offer {
            Some(offer) => {
                let (agreed, told) = leg.streams.answer(turn, offer, accept).map_err(Unfit::for_sender)?;
                (leg.streams.theirs, leg.streams.ours) = (Some(offer.to_vec()), Some(told.clone()));
                self.play(turn, agreed);
                (Awaits::Nothing, told)
            }
            None => {
                let told = leg.streams.offer(turn).map_err(Unfit::for_sender)?;
                leg.streams.ours = Some(told.clone());
                (Awaits::Answer, told)
            }
        };
        self.grant(turn, ask, None, Some(told), awaits);
        Ok(())
    }

    fn play(&mut self, turn: &mut Turn<'_>, agreed: Agreed) {
        let Phase::Serving(service) = &mut self.phase else { return };
        if let Program::Conference(meeting) = &mut service.program
            && meeting.is_inside()
            && !self.legs.iter().any(|leg| leg.streams.is_in_room(turn))
            && turn.media.is_locked(&meeting.room)
        {
            meeting.refuse();
        }
        if let Program::Conference(meeting) = &mut service.program {
            meeting.since = meeting.is_inside().then(|| meeting.since.unwrap_or(turn.wall));
        }
        let sound = service.program.sound();
        service.agreed = Some(agreed);
        let facts = match &service.program {
            Program::Conference(meeting) if meeting.is_inside() && meeting.record => Some(TapeFacts {
                call_id: self.id.clone(),
                caller: self.caller.clone(),
                callee: service.program.target().to_string(),
            }),
            Program::Conference(_) | Program::Echo(_) | Program::Prompt(_) => None,
        };
        self.caller_leg().streams.serve(turn, sound, &agreed);
        if let (Some(facts), Some(id)) = (facts, self.caller_leg().streams.speech()) {
            turn.media.tape(id, Tape::Begin(facts));
        }
    }

    /// A key, or the end of a prompt.
    pub(crate) fn handle_service_event(&mut self, turn: &mut Turn<'_>, event: MediaEvent) {
        let Phase::Serving(service) = &mut self.phase else { return };
        let agreed = service.agreed;
        let door = match &service.program {
            Program::Conference(meeting) if meeting.is_at_door() => Some(meeting.room.clone()),
            Program::Conference(_) | Program::Echo(_) | Program::Prompt(_) => None,
        };
        let mut step = service.program.handle_event(event);
        if let (Some(room), Program::Conference(meeting)) = (door, &mut service.program) {
            let doors = &mut turn.core.doors;
            let was_shut = doors.is_shut(turn.now, &room, &self.caller);
            if step == Step::WrongPin && !was_shut {
                doors.fail(turn.now, &room, &self.caller);
            }
            // As long as the door is shut, no PIN is right.
            if doors.is_shut(turn.now, &room, &self.caller) {
                meeting.refuse();
                step = Step::Play;
            } else if meeting.is_inside() {
                doors.open(&room, &self.caller);
            }
        }
        match step {
            Step::Stay => {}
            Step::Play | Step::WrongPin => {
                if let Some(agreed) = agreed {
                    self.play(turn, agreed);
                }
            }
            Step::Order(order) => {
                let is_soon = |last: Instant| turn.now.saturating_duration_since(last) < BETWEEN_ORDERS;
                if !service.ordered.is_some_and(is_soon) {
                    service.ordered = Some(turn.now);
                    self.caller_leg().streams.order(turn, order);
                }
            }
            Step::HangUp => self.end(turn, "the service hung up", None, Failure::of(480)),
        }
    }

    /// INFO with a key (`application/dtmf-relay`, `application/dtmf`); everything else means nothing to a service.
    pub(crate) fn handle_service_request(&mut self, turn: &mut Turn<'_>, server: ServerId, request: &Message<'_>) {
        if request.method() != Method::Info {
            let failure = Failure::of(501).with(Name::Reason, r#"SIP;cause=501;text="Not with a service""#);
            return self.refuse(turn, server, request, &failure);
        }
        turn.respond(server, response(request, 200).finish());
        if let Some(key) = Key::of(request) {
            self.handle_service_event(turn, MediaEvent::Dtmf(key.key));
        }
    }
}

/// How soon a participant may mute or lock again: each is told to all in the room.
const BETWEEN_ORDERS: Duration = Duration::from_secs(1);
