//! Keys that come from one side in another way than the other side takes them.
//!
//! Between events and tones the media plane sees to it by itself; here is what has to do with INFO requests.

use crate::call::Call;
use crate::info;
use crate::leg::{Leg, LegId, Purpose, Task};
use crate::media::MediaId;
use crate::response::response;
use crate::turn::Turn;
use proto::directory::Dtmf;
use sip::endpoint::ServerId;
use sip::message::{Message, Method};
use std::time::Duration;

impl Call {
    /// An INFO of one side with a key for a phone that hears keys in its media. `false`: it is none, and goes on as it is.
    pub(crate) fn press_for(
        &mut self,
        turn: &mut Turn<'_>,
        id: LegId,
        server: ServerId,
        request: &Message<'_>,
    ) -> bool {
        let Some(key) = info::Key::of(request).filter(|_| request.method() == Method::Info) else { return false };
        let Some(leg) = self.other(id).and_then(|other| self.leg(other)) else { return false };
        let is_told = leg.streams.wishes.dtmf != Dtmf::Info && leg.streams.press(turn, key.key, key.held);
        if is_told {
            turn.respond(server, response(request, 200).finish());
        }
        self.handle_key_of(turn, id, key.key);
        is_told
    }

    /// A key heard in the media of one side, for a phone that takes INFO requests only.
    pub(crate) fn handle_struck(&mut self, turn: &mut Turn<'_>, from: MediaId, key: char, held: Duration) {
        let Some(id) = self.legs.iter().find(|leg| leg.streams.has(from)).map(|leg| leg.id) else { return };
        let Some(leg) = self.other(id).and_then(|other| self.leg(other)) else { return };
        let Some(key) = info::Key::new(key, held) else { return };
        if leg.untold.len() < MOST_UNTOLD {
            leg.untold.push_back(key);
        }
        leg.tell_key(turn);
    }

    /// What became of an INFO of ours.
    pub(crate) fn handle_key_told(&mut self, turn: &mut Turn<'_>, id: LegId, status: u16) {
        let Some(leg) = self.leg(id) else { return };
        // Where nobody answers, no further key is of use.
        if matches!(status, 408 | 481) {
            leg.untold.clear();
        }
        leg.tell_key(turn);
    }
}

impl Leg {
    /// Tells the phone of the next key, unless one is on its way.
    fn tell_key(&mut self, turn: &mut Turn<'_>) {
        if self.tasks.iter().any(|task| matches!(task.purpose, Purpose::Key)) {
            return;
        }
        let Some(key) = self.untold.pop_front() else { return };
        let hop = self.hop;
        let Some(dialog) = self.dialog() else { return };
        let hop = turn.hop_of(dialog, hop);
        let (kind, body) = key.to_body(info::Dialect::Relay);
        let info = dialog.request(Method::Info).body(kind, body.as_bytes()).finish();
        let cseq = dialog.local_cseq;
        let client = turn.request(hop, info);
        self.tasks.push(Task { client, method: Method::Info, cseq, offer: None, purpose: Purpose::Key });
    }
}

/// Keys that wait for the phone; further ones are dropped.
const MOST_UNTOLD: usize = 64;
