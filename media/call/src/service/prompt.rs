//! 9998: a prompt, played once.

use super::Step;
use crate::media::{MediaEvent, Sound};
use crate::output::PromptSource;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Announcement {
    pub source: PromptSource,
    prompt: Option<audio::Prompt>,
}

impl Announcement {
    pub(super) fn new(source: PromptSource) -> Announcement {
        Announcement { source, prompt: None }
    }

    pub(super) fn handle_prompt(&mut self, prompt: Option<audio::Prompt>) {
        self.prompt = Some(prompt.unwrap_or_else(audio::Prompt::chime));
    }

    pub(super) fn sound(&self) -> Sound {
        self.prompt.clone().map_or(Sound::Silence, Sound::Prompt)
    }

    pub(super) fn handle_event(&mut self, event: MediaEvent) -> Step {
        match event {
            MediaEvent::PromptDone | MediaEvent::Dtmf('#') => Step::HangUp,
            MediaEvent::Dtmf(_) | MediaEvent::Struck(_, _) | MediaEvent::Silent => Step::Stay,
        }
    }
}
