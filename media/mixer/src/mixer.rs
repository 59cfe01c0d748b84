//! The room: what is said in it, and what each one hears.

use std::sync::Arc;

use crate::announcer::{AnnounceError, Announcer, Audience};
use crate::fade::Fade;
use crate::limiter::Limiter;
use crate::seats::{Listens, Seat, Seats};
use crate::stage::Stage;

/// A conference room's sound.
///
/// The loudest [`SPEAKERS`](crate::SPEAKERS) are heard by all others. A place among them is won within one block by a voice that
/// stands out from its noise, kept through pauses of 0.8 s, and lost to one who is 3 dB louder than the quietest speaker. Every
/// change takes one block, and none is heard as a click. One who speaks alone is passed on bit for bit. What is too loud
/// together is lowered for all.
///
/// Memory is taken when someone joins or is announced something, and in the first turns after that.
#[derive(Debug)]
pub struct Mixer {
    block: usize,
    fade: Fade,
    seats: Seats,
    stage: Stage,
    limiter: Limiter,
    announcer: Announcer,
    /// All voices, and those that one of the speakers hears.
    sums: Vec<i32>,
    others: Vec<i32>,
    /// All voices, without any announcement.
    plain: Vec<i16>,
    common: Vec<i16>,
    /// One block for each who hears something else.
    own: Vec<i16>,
    silence: Vec<i16>,
}

/// Whether a participant is kept from being heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Muted {
    /// Nobody hears them.
    Yes,
    /// They are heard when they speak.
    No,
}

/// What one participant hears in a turn: a block of 20 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told<'m> {
    /// The same samples for all who are told this in the turn.
    Common(&'m [i16]),
    /// For this one alone.
    Own(&'m [i16]),
}

impl Mixer {
    /// An empty room at `rate` samples a second, a multiple of 50; blocks are a fiftieth of it.
    pub fn new(rate: u32) -> Mixer {
        let block = (rate as usize / 50).max(1);
        Mixer {
            block,
            fade: Fade::new(block),
            seats: Seats::new(block),
            stage: Stage::new(block),
            limiter: Limiter::new(rate, block),
            announcer: Announcer::new(block),
            sums: vec![0; block],
            others: vec![0; block],
            plain: vec![0; block],
            common: vec![0; block],
            own: Vec::new(),
            silence: vec![0; block],
        }
    }

    /// Samples of a block.
    pub fn block(&self) -> usize {
        self.block
    }

    /// Somebody comes; None if the room has [`SEATS`](crate::SEATS) already. Those who left hold theirs until the next turn.
    pub fn join(&mut self) -> Option<Seat> {
        let seat = self.seats.join()?;
        self.stage.expect(self.seats.len());
        Some(seat)
    }

    /// Somebody goes; what they said fades in the next turn.
    pub fn leave(&mut self, seat: Seat) {
        self.seats.leave(seat);
    }

    /// From the next turn on.
    pub fn mute(&mut self, seat: Seat, muted: Muted) {
        if let Some(slot) = self.seats.find_mut(seat) {
            slot.is_muted = muted == Muted::Yes;
        }
    }

    /// What a participant said in this turn; one of whom nothing is heard is silent. Of several blocks the last one counts; one
    /// that is too short ends in silence, one that is too long is cut.
    pub fn hear(&mut self, seat: Seat, block: &[i16]) {
        self.seats.hear(seat, block);
    }

    /// Has a sound announced at the rate of the room, over the mix, which is lowered by 12 dB meanwhile; the sound itself by 2.5.
    /// Several are heard in the order in which they were announced, those for all and those for one alike.
    ///
    /// Sixteen may wait; one more is refused. One participant to whom so much is announced apart that another sixteen for all
    /// wait behind it misses what is announced to all then.
    pub fn announce(&mut self, to: Audience, sound: Arc<[i16]>) -> Result<(), AnnounceError> {
        match to {
            Audience::All => {
                self.announcer.add(sound.clone(), MOST_WAITING)?;
                for (_, slot) in self.seats.taken_mut() {
                    if let Some(announcer) = &mut slot.announcer {
                        let _missed = announcer.add(sound.clone(), 2 * MOST_WAITING);
                    }
                }
                Ok(())
            }
            Audience::One(seat) => {
                let slot = self.seats.find_mut(seat).ok_or(AnnounceError::Left)?;
                // From now on this one's announcements are a row of their own, which begins as that for all.
                let apart = slot.announcer.get_or_insert_with(|| Box::new(self.announcer.clone()));
                apart.add(sound, MOST_WAITING)
            }
        }
    }

    /// Ends whatever is announced to anybody, and forgets what waits to be.
    pub fn stop_announcements(&mut self) {
        self.announcer.stop(&self.fade);
        for (_, slot) in self.seats.taken_mut() {
            if let Some(announcer) = &mut slot.announcer {
                announcer.stop(&self.fade);
            }
        }
    }

    /// Whether something sounds for all, or waits to.
    pub fn is_announcing(&self) -> bool {
        !self.announcer.is_idle()
    }

    /// Mixes what was heard since the last turn.
    pub fn turn(&mut self) {
        self.stage.turn(&mut self.seats, &self.fade);
        self.mix();
        self.tell();
        self.stage.end(&mut self.seats);
        self.seats.end();
    }

    fn mix(&mut self) {
        self.sums.fill(0);
        for part in self.stage.parts() {
            for (sum, sample) in self.sums.iter_mut().zip(part) {
                *sum += i32::from(*sample);
            }
        }
        self.limiter.begin();
        self.limiter.see(&self.sums);
        for part in self.stage.parts() {
            subtract(&self.sums, part, &mut self.others);
            self.limiter.see(&self.others);
        }
        self.limiter.settle();
        self.limiter.put(&self.sums, &mut self.plain);
        self.announcer.turn(&self.fade);
        self.common.copy_from_slice(&self.plain);
        self.announcer.lay(&mut self.common, &self.fade);
    }

    /// Makes the sounds of those who hear something of their own.
    fn tell(&mut self) {
        let mut told = 0;
        for (index, slot) in self.seats.taken_mut() {
            let is_new = slot.listens == Listens::NotYet;
            let part = if slot.is_on_stage { self.stage.part(index) } else { None };
            if !is_new && part.is_none() && slot.announcer.is_none() {
                slot.listens = Listens::ToCommon;
                continue;
            }
            slot.listens = Listens::ToOwn(told);
            if self.own.len() < (told + 1) * self.block {
                self.own.resize((told + 1) * self.block, 0);
            }
            let out = &mut self.own[told * self.block..][..self.block];
            told += 1;
            match part {
                Some(part) => {
                    subtract(&self.sums, part, &mut self.others);
                    self.limiter.put(&self.others, out);
                }
                None => out.copy_from_slice(&self.plain),
            }
            match &mut slot.announcer {
                Some(apart) => {
                    apart.turn(&self.fade);
                    apart.lay(out, &self.fade);
                    if apart.is_idle() && self.announcer.is_idle() {
                        slot.announcer = None;
                    }
                }
                None => self.announcer.lay(out, &self.fade),
            }
            if is_new {
                self.fade.rise(out);
            }
        }
    }

    /// What a participant hears of the last turn: silence if they came after it, or are not here.
    pub fn told(&self, seat: Seat) -> Told<'_> {
        match self.seats.find(seat).map(|slot| slot.listens) {
            Some(Listens::ToCommon) => Told::Common(&self.common),
            Some(Listens::ToOwn(own)) => Told::Own(&self.own[own * self.block..][..self.block]),
            Some(Listens::NotYet) | None => Told::Own(&self.silence),
        }
    }

    /// What those hear who say nothing themselves.
    pub fn common(&self) -> &[i16] {
        &self.common
    }

    /// Who is heard at present or pauses, loudest first.
    pub fn speakers(&self) -> impl Iterator<Item = Seat> {
        self.stage.speakers(&self.seats).map(|slot| slot.seat)
    }

    /// How many are in the room.
    pub fn len(&self) -> usize {
        self.seats.len()
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'m> Told<'m> {
    /// The samples, whoever else hears them.
    pub fn samples(self) -> &'m [i16] {
        match self {
            Told::Common(samples) | Told::Own(samples) => samples,
        }
    }
}

fn subtract(sums: &[i32], part: &[i16], others: &mut [i32]) {
    for ((other, sum), sample) in others.iter_mut().zip(sums).zip(part) {
        *other = sum - i32::from(*sample);
    }
}

/// Announcements that may wait.
const MOST_WAITING: usize = 16;
