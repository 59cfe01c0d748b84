//! What happens on a pair at each turn, every 10 or 20 ms, where its packets do not just pass: prompts play, and the sound of one phone becomes that of
//! another.

use super::keys::Key;
use super::pacer::Step;
use super::pair::{Pair, Partner, Turn};
use super::talk::{LONGEST_BLOCK, Played, Talk, Tones};
use super::{Plane, pair_at, pair_of};
use crate::token::Component;
use call::{KeysHeard, KeysTold, MediaEvent, MediaId, Sound, Voice};
use rtp::{Datagram, HEADER_LEN};
use std::time::Duration;

/// What has turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paced {
    /// A prompt that plays to a pair, or two pairs of which this one leads; the series says whether it still holds.
    Pair(MediaId, u16),
    /// A room.
    Room(u32),
}

impl Plane {
    /// Chooses the cheapest way between two pairs that are each other's partner: packets pass as they are wherever both phones take
    /// them so.
    pub(super) fn settle(&mut self, one: u32, other: u32) {
        if let Some(id) = pair_at(&mut self.slots, one).map(|pair| pair.id) {
            self.take_back(id);
        }
        // Whoever it was that something happened to, the same one leads.
        let (one, other) = (one.min(other), one.max(other));
        let random = [self.draw(), self.draw()];
        let voice = |slots: &mut _, index| pair_at(slots, index).and_then(|pair: &mut Pair| pair.voice.clone());
        let voices = (voice(&mut self.slots, one), voice(&mut self.slots, other));
        let (Some(left), Some(right)) = &voices else { return self.relay(one, other) };
        let is_wanted = |pair: &mut Pair| pair.is_heard || pair.is_watched_for_tones();
        let is_wanted = [one, other].iter().any(|index| pair_at(&mut self.slots, *index).is_some_and(is_wanted));
        if left.passes_to(right) && right.passes_to(left) && !is_wanted {
            self.relay(one, other);
            for (index, from, to) in [(one, left, right), (other, right, left)] {
                if let Some(pair) = pair_at(&mut self.slots, index) {
                    let unfit = (0..128).filter(|payload_type| from.unfit_for(to, *payload_type));
                    pair.unfit = unfit.fold(0, |bits, payload_type| bits | 1 << payload_type);
                }
            }
            return;
        }
        let mut recorded = |index| pair_at(&mut self.slots, index)?.recording.as_ref().map(|it| it.rate());
        let recorded = recorded(one).or(recorded(other));
        let (now, rate) = (self.micros(), recorded.unwrap_or_else(|| rate_between(left, right)));
        // Nobody listens for keys in more than that.
        let has_tones = [left, right].iter().any(|voice| voice.keys_heard == KeysHeard::Tones);
        let rate = if has_tones { rate.min(16_000) } else { rate };
        let step = match (Step::of(left.packet_time), Step::of(right.packet_time)) {
            (Step::Twenty, Step::Twenty) => Step::Twenty,
            (_, _) => Step::Ten,
        };
        let sides = [(one, other, Turn::Leads, left, right), (other, one, Turn::Follows, right, left)];
        for ((index, partner, turn, voice, to), random) in sides.into_iter().zip(random) {
            let Some(pair) = pair_at(&mut self.slots, index) else { return };
            pair.partner = Partner::Talk(partner, turn);
            let talk = pair.talk.get_or_insert_with(|| Box::new(Talk::new(now, random)));
            talk.stop();
            talk.attend(Some(voice), rate, &self.library);
            let tones = match to.keys_told {
                KeysTold::Tones if pair.is_watched => Tones::Overheard,
                KeysTold::Tones => Tones::Passed,
                KeysTold::Events(_) | KeysTold::Info => Tones::Heard,
            };
            talk.listen(tones, &self.library);
            match turn {
                Turn::Follows => talk.follow(step),
                Turn::Leads => {
                    if let Some(pace) = talk.wants_pace(step) {
                        self.pacer.add(self.now, pace.step, Paced::Pair(pair.id, pace.series));
                    }
                }
            }
        }
    }

    fn relay(&mut self, one: u32, other: u32) {
        for (index, partner) in [(one, other), (other, one)] {
            let Some(pair) = pair_at(&mut self.slots, index) else { return };
            pair.partner = Partner::Pair(partner);
            pair.unfit = 0;
            if let Some(talk) = &mut pair.talk {
                talk.turn_away();
                talk.mouth.let_go();
            }
        }
    }

    /// The turn of a pair or room; false once it has no more of them.
    pub(super) fn take_turn(&mut self, paced: Paced) -> bool {
        let id = match paced {
            Paced::Pair(id, series) => {
                let talk = pair_of(&mut self.slots, id).and_then(|pair| pair.talk.as_ref());
                if talk.is_none_or(|talk| !talk.is_paced(series)) {
                    return false;
                }
                id
            }
            Paced::Room(key) => return self.mix(key),
        };
        let Some(pair) = pair_of(&mut self.slots, id) else { return false };
        let goes_on = match pair.partner {
            Partner::Exchange => self.play(id),
            Partner::Talk(other, Turn::Leads) => {
                self.exchange(id.0 as u32, other);
                true
            }
            Partner::Talk(_, Turn::Follows) | Partner::Pair(_) | Partner::Room(_) | Partner::None => {
                if let Some(talk) = &mut pair.talk {
                    talk.stop();
                }
                false
            }
        };
        if !goes_on && let Some(talk) = pair_of(&mut self.slots, id).and_then(|pair| pair.talk.as_mut()) {
            talk.rest();
        }
        goes_on
    }

    /// After a panic over its sound everybody concerned is told silent, so that their calls end.
    pub(super) fn abandon(&mut self, paced: Paced) {
        let is_of_room = |pair: &Pair| matches!(paced, Paced::Room(key) if pair.partner == Partner::Room(key));
        let pairs = self.slots.iter().filter_map(|slot| slot.pair.as_ref());
        let is_it = |pair: &Pair| matches!(paced, Paced::Pair(id, _) if id == pair.id);
        let concerned = pairs.filter(|pair| is_it(pair) || is_of_room(pair)).map(|pair| pair.id);
        for id in concerned.collect::<Vec<_>>() {
            self.give_up(id.0 as u32);
        }
    }

    /// Sends the next packets of a prompt.
    fn play(&mut self, id: MediaId) -> bool {
        let now = self.micros();
        let Some(pair) = pair_of(&mut self.slots, id) else { return false };
        let hears = pair.hears();
        let Some(talk) = &mut pair.talk else { return false };
        let listens = talk.ear.is_some();
        if listens {
            let mut block = [0; LONGEST_BLOCK];
            let samples = talk.block();
            let tones = talk.draw(now, &mut block[..samples]);
            let keys: Vec<_> = pair.keys.turn(now, tones).collect();
            self.hear_keys(id, keys);
        }
        let Some(talk) = pair_of(&mut self.slots, id).and_then(|pair| pair.talk.as_mut()) else { return false };
        match talk.play(hears) {
            Played::Sound => self.say(id.0 as u32),
            Played::Pause => {}
            Played::Nothing => return listens,
            Played::Done => {
                self.events.push_back((id, MediaEvent::PromptDone));
                return listens;
            }
        }
        true
    }

    /// Keys of a phone whom the exchange serves.
    pub(super) fn hear_keys(&mut self, id: MediaId, keys: impl IntoIterator<Item = Key>) {
        for key in keys {
            if let Some(key) = key.pressed() {
                self.events.push_back((id, MediaEvent::Dtmf(key)));
            }
        }
    }

    /// Moves the sound of two phones, both ways.
    fn exchange(&mut self, one: u32, other: u32) {
        let now = self.micros();
        let mut take = |index| pair_at(&mut self.slots, index).and_then(|pair| Some((pair.hears(), pair.talk.take()?)));
        let (Some((left_hears, mut left)), Some((right_hears, mut right))) = (take(one), take(other)) else { return };
        let mut blocks = [[0; LONGEST_BLOCK]; 2];
        let [from_left, from_right] = blocks.each_mut().map(|block| &mut block[..left.block()]);
        let said = left.draw(now, from_left);
        right.tell(right_hears, from_left);
        let answered = right.draw(now, from_right);
        left.tell(left_hears, from_right);
        for (index, own, partner) in [(one, &*from_left, &*from_right), (other, from_right, from_left)] {
            if let Some(recording) = pair_at(&mut self.slots, index).and_then(|pair| pair.recording.as_mut()) {
                recording.push(now, left.rate, own, partner);
            }
        }
        for (index, talk) in [(one, left), (other, right)] {
            if let Some(pair) = pair_at(&mut self.slots, index) {
                pair.talk = Some(talk);
            }
        }
        for (from, to, tones) in [(one, other, said), (other, one, answered)] {
            let Some(pair) = pair_at(&mut self.slots, from) else { continue };
            let keys: Vec<_> = pair.keys.turn(now, tones).collect();
            keys.into_iter().for_each(|key| self.pass_key(from, to, key));
        }
        self.say(one);
        self.say(other);
    }

    /// Sends what is ready to be said on a pair.
    pub(super) fn say(&mut self, index: u32) {
        let Some(pair) = pair_at(&mut self.slots, index) else { return };
        let Some(mut talk) = pair.talk.take() else { return };
        while let Some(length) = talk.poll_packet(&mut self.buffer) {
            talk.reporter.on_sent(length - HEADER_LEN);
            self.send(index, Component::Rtp, Datagram::Rtp, length);
        }
        if let Some(pair) = pair_at(&mut self.slots, index) {
            pair.talk = Some(talk);
        }
    }

    /// A phone has turned to a format that the other one does not take: from here on the sound is made anew.
    pub(super) fn look_into(&mut self, one: u32, other: u32) {
        if let Some(pair) = pair_at(&mut self.slots, one) {
            pair.is_heard = true;
        }
        self.settle(one, other);
    }

    /// A key that one phone has said goes on to the other.
    pub(super) fn pass_key(&mut self, from: u32, to: u32, key: Key) {
        let Some(pair) = pair_at(&mut self.slots, from) else { return };
        let from = pair.id;
        if let (true, Some(key)) = (pair.is_watched, key.pressed()) {
            self.events.push_back((from, MediaEvent::Dtmf(key)));
        }
        if pair.talk.as_ref().is_some_and(|talk| talk.tones == Tones::Overheard) {
            return;
        }
        let Some(talk) = pair_at(&mut self.slots, to).and_then(|pair| pair.talk.as_mut()) else { return };
        let Some(told) = talk.voice.as_ref().map(|voice| voice.keys_told) else { return };
        match (told, key) {
            (KeysTold::Info, Key::Released(key, held) | Key::Struck(key, held)) => {
                self.events.push_back((from, MediaEvent::Struck(key, held)));
            }
            (KeysTold::Info, Key::Pressed(_)) => {}
            (KeysTold::Events(_) | KeysTold::Tones, Key::Pressed(key)) => talk.mouth.press(key),
            (KeysTold::Events(_) | KeysTold::Tones, Key::Released(_, held)) => talk.mouth.release(held),
            (KeysTold::Events(_) | KeysTold::Tones, Key::Struck(key, held)) => talk.mouth.strike(key, held),
        }
    }

    /// Tells a phone of a key that came otherwise than in the media.
    pub(super) fn strike(&mut self, id: MediaId, key: char, held: Duration) -> bool {
        let Some(pair) = pair_of(&mut self.slots, id) else { return false };
        let told = pair.voice.as_ref().map(|voice| voice.keys_told);
        let (Partner::Pair(other) | Partner::Talk(other, _)) = pair.partner else { return false };
        let Some(KeysTold::Events(_) | KeysTold::Tones) = told else { return false };
        // The key and what follows it are to be one stream.
        self.look_into(id.0 as u32, other);
        let talk = pair_of(&mut self.slots, id).and_then(|pair| pair.talk.as_mut());
        talk.is_some_and(|talk| {
            talk.mouth.strike(key, held);
            true
        })
    }
}

impl Talk {
    /// Takes what was agreed on with a phone that the exchange serves, with this sound. What is kept at a lower rate than the codec
    /// could carry is brought to it as it plays, not as a whole.
    pub fn serve(&mut self, voice: Option<&Voice>, sound: &Sound, library: &codec::Library) {
        let best = match sound {
            Sound::Prompt(prompt) => prompt.rate().min(16_000),
            Sound::Echo | Sound::Room(_) | Sound::Silence => 16_000,
        };
        let rate = voice.map_or(8000, |voice| voice.to_phone[0].codec.rate().clamp(8000, best));
        self.attend(voice, rate, library);
        match voice.is_some_and(|voice| voice.keys_heard == KeysHeard::Tones) {
            true => self.listen(Tones::Heard, library),
            false => self.turn_away(),
        }
    }
}

/// Samples a second of what passes between two phones: no more than both can carry, since the rest would be lost.
fn rate_between(one: &Voice, other: &Voice) -> u32 {
    let best = |voice: &Voice| voice.to_phone[0].codec.rate();
    match best(one).min(best(other)) {
        ..16_000 => 8000,
        16_000..48_000 => 16_000,
        48_000.. => 48_000,
    }
}
