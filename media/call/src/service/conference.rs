//! A room where many talk: the PIN at its door, and what a participant may do in it.

use super::Step;
use crate::media::{MediaEvent, Order, Sound};
use crate::output::PromptSource;
use proto::directory::Conference;
use proto::time::UnixMillis;
use std::sync::Arc;

/// One participant's way through it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Meeting {
    pub room: Arc<str>,
    /// What is said in it is recorded.
    pub record: bool,
    pin: Option<Box<str>>,
    /// When the participant came in, at this shard.
    pub since: Option<UnixMillis>,
    language: Language,
    stage: Stage,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// Before the door; the prompt that asks for the PIN, once it is there.
    Door { prompt: Option<audio::Prompt>, typed: String, tries: u8 },
    /// Inside; the key before this one opened the menu.
    Inside { menu: bool },
    /// Sent away: the sound of refusal plays to its end.
    Refused,
}

/// Languages that the door speaks; all others hear English.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    English,
    French,
}

impl Meeting {
    pub(super) fn new(conference: &Conference, language: &str) -> Meeting {
        let language = if language.starts_with("fr") { Language::French } else { Language::English };
        let pin = conference.pin.as_ref().map(|pin| pin.0.clone());
        let stage = match pin {
            Some(_) => Stage::Door { prompt: None, typed: String::new(), tries: TRIES },
            None => Stage::Inside { menu: false },
        };
        Meeting { room: conference.name.as_ref().into(), record: conference.record, pin, since: None, language, stage }
    }

    pub(super) fn wants(&self) -> Option<PromptSource> {
        let text = match self.language {
            Language::English => "Please enter the code of the conference.",
            Language::French => "Tapez le code de la conférence.",
        };
        self.is_at_door().then(|| PromptSource::Say(text.to_owned()))
    }

    pub(super) fn handle_prompt(&mut self, found: Option<audio::Prompt>) {
        if let Stage::Door { prompt, .. } = &mut self.stage {
            *prompt = Some(found.unwrap_or_else(audio::Prompt::chime));
        }
    }

    pub(super) fn sound(&self) -> Sound {
        match &self.stage {
            Stage::Door { prompt: Some(prompt), typed, .. } if typed.is_empty() => Sound::Prompt(prompt.clone()),
            Stage::Door { .. } => Sound::Silence,
            Stage::Inside { .. } => Sound::Room(self.room.clone()),
            Stage::Refused => Sound::Prompt(audio::Prompt::builtin("refused").unwrap_or_else(audio::Prompt::chime)),
        }
    }

    /// The room has been locked by who is in it, or too many wrong PINs were typed.
    pub(super) fn refuse(&mut self) {
        self.stage = Stage::Refused;
    }

    /// The participant was inside before, on another shard.
    pub(super) fn enter_again(&mut self) {
        self.stage = Stage::Inside { menu: false };
    }

    pub(super) fn is_at_door(&self) -> bool {
        matches!(self.stage, Stage::Door { .. })
    }

    pub(super) fn is_inside(&self) -> bool {
        matches!(self.stage, Stage::Inside { .. })
    }

    pub(super) fn handle_event(&mut self, event: MediaEvent) -> Step {
        match (&mut self.stage, event) {
            (Stage::Door { typed, tries, .. }, MediaEvent::Dtmf(key)) => {
                let pin = self.pin.as_deref().unwrap_or_default();
                let is_first = typed.is_empty();
                if key.is_ascii_digit() {
                    typed.push(key);
                }
                let is_whole = key == '#' || typed.len() >= pin.len();
                match (is_whole, typed == pin) {
                    (true, true) => self.stage = Stage::Inside { menu: false },
                    (true, false) => {
                        match *tries {
                            0 | 1 => self.stage = Stage::Refused,
                            2.. => (*tries, *typed) = (*tries - 1, String::new()),
                        }
                        return Step::WrongPin;
                    }
                    // The prompt stops when the caller begins to type.
                    (false, _) if is_first => {}
                    (false, _) => return Step::Stay,
                }
                Step::Play
            }
            (Stage::Inside { menu }, MediaEvent::Dtmf(key)) => match (std::mem::replace(menu, key == '*'), key) {
                (true, '1') => Step::Order(Order::Mute),
                (true, '2') => Step::Order(Order::Lock),
                (_, _) => Step::Stay,
            },
            (Stage::Refused, MediaEvent::PromptDone) => Step::HangUp,
            (_, MediaEvent::Dtmf(_) | MediaEvent::Struck(_, _) | MediaEvent::PromptDone | MediaEvent::Silent) => {
                Step::Stay
            }
        }
    }
}

/// How often the PIN may be typed.
const TRIES: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn meeting(pin: Option<&str>) -> Meeting {
        let pin = pin.map(|pin| proto::directory::Secret(pin.into()));
        let conference = Conference { name: "standup".into(), number: "8000".into(), pin, record: false };
        Meeting::new(&conference, "fr")
    }

    fn dial(meeting: &mut Meeting, keys: &str) -> Vec<Step> {
        keys.chars().map(|key| meeting.handle_event(MediaEvent::Dtmf(key))).collect()
    }

    #[test]
    fn a_room_without_a_pin_is_open() {
        let meeting = meeting(None);
        assert_eq!((meeting.wants(), meeting.sound()), (None, Sound::Room("standup".into())));
    }

    #[test]
    fn the_right_pin_opens_and_the_prompt_stops_with_the_first_key() {
        let mut meeting = meeting(Some("4321"));
        meeting.handle_prompt(None);
        assert!(matches!(meeting.sound(), Sound::Prompt(_)));
        assert_eq!(dial(&mut meeting, "4"), [Step::Play]);
        assert_eq!(meeting.sound(), Sound::Silence);
        assert_eq!(dial(&mut meeting, "321"), [Step::Stay, Step::Stay, Step::Play]);
        assert!(meeting.is_inside());
        assert_eq!(
            dial(&mut meeting, "1*1*2"),
            [Step::Stay, Step::Stay, Step::Order(Order::Mute), Step::Stay, Step::Order(Order::Lock)]
        );
    }

    #[test]
    fn a_wrong_pin_is_asked_for_again_and_in_the_end_refused() {
        let mut meeting = meeting(Some("4321"));
        meeting.handle_prompt(None);
        dial(&mut meeting, "1234");
        assert!(matches!(meeting.sound(), Sound::Prompt(_)) && !meeting.is_inside());
        dial(&mut meeting, "43#");
        dial(&mut meeting, "4322");
        assert!(!meeting.is_inside());
        assert_eq!(meeting.handle_event(MediaEvent::PromptDone), Step::HangUp);
    }
}
