//! 9999: the caller hears what the caller says.

use super::Step;
use crate::media::MediaEvent;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Echo;

impl Echo {
    pub(super) fn handle_event(&mut self, event: MediaEvent) -> Step {
        match event {
            MediaEvent::Dtmf('#') => Step::HangUp,
            MediaEvent::Dtmf(_) | MediaEvent::Struck(_, _) | MediaEvent::PromptDone | MediaEvent::Silent => Step::Stay,
        }
    }
}
