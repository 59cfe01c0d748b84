//! Announcements: sounds over a mix that is lowered meanwhile.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::Seat;
use crate::fade::{Fade, ONE, scaled};

/// Who hears an announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everybody in the room, also those who come while it sounds.
    All,
    /// One participant.
    One(Seat),
}

/// Why an announcement will not be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnnounceError {
    /// The one it is for has left.
    #[error("no such participant")]
    Left,
    /// Sixteen others wait.
    #[error("too many announcements wait")]
    TooMany,
}

/// The announcements for one audience, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Announcer {
    waiting: VecDeque<Waiting>,
    /// How far the first of them has sounded.
    at: usize,
    bed: Bed,
    sound: Vec<i16>,
}

/// A sound, and how many of its samples are to be heard.
#[derive(Debug, Clone)]
struct Waiting {
    sound: Arc<[i16]>,
    end: usize,
}

/// The loudness of the mix below an announcement, in this block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bed {
    Full,
    Falling,
    Low,
    Rising,
}

impl Announcer {
    pub fn new(block: usize) -> Announcer {
        Announcer { waiting: VecDeque::new(), at: 0, bed: Bed::Full, sound: vec![0; block] }
    }

    /// Has it sound after those that wait, of which there may be so many.
    pub fn add(&mut self, sound: Arc<[i16]>, most: usize) -> Result<(), AnnounceError> {
        if self.waiting.len() >= most {
            return Err(AnnounceError::TooMany);
        }
        if !sound.is_empty() {
            self.waiting.push_back(Waiting { end: sound.len(), sound });
        }
        Ok(())
    }

    /// Ends what sounds, within a quarter of a block, and forgets what waits.
    pub fn stop(&mut self, fade: &Fade) {
        self.waiting.truncate(if self.at > 0 { 1 } else { 0 });
        if let Some(first) = self.waiting.front_mut() {
            first.end = first.end.min(self.at + fade.edge());
        }
    }

    /// Whether the mix is at full loudness after this block, and nothing waits.
    pub fn is_idle(&self) -> bool {
        matches!(self.bed, Bed::Full | Bed::Rising) && self.waiting.is_empty()
    }

    /// Another block.
    pub fn turn(&mut self, fade: &Fade) {
        self.bed = match (self.bed, self.waiting.is_empty()) {
            (Bed::Full | Bed::Rising, true) => Bed::Full,
            (Bed::Full | Bed::Rising, false) => Bed::Falling,
            (Bed::Falling | Bed::Low, false) => Bed::Low,
            (Bed::Falling | Bed::Low, true) => Bed::Rising,
        };
        if self.bed == Bed::Low {
            self.read(fade);
        }
    }

    fn read(&mut self, fade: &Fade) {
        let mut out = &mut self.sound[..];
        while let Some(first) = self.waiting.front() {
            let count = out.len().min(first.end - self.at);
            let (now, rest) = out.split_at_mut(count);
            for (out, at) in now.iter_mut().zip(self.at..) {
                let edge = fade.at_edge(at.min(first.end - 1 - at));
                *out = scaled(first.sound[at], edge / 4 * 3);
            }
            (out, self.at) = (rest, self.at + count);
            if self.at < first.end {
                break;
            }
            self.waiting.pop_front();
            self.at = 0;
        }
        out.fill(0);
    }

    /// Lays the block over one mix, which fits into 16 bits whatever both are.
    pub fn lay(&self, mix: &mut [i16], fade: &Fade) {
        match self.bed {
            Bed::Full => (),
            Bed::Falling => fade.between(ONE, LOW, mix),
            Bed::Low => {
                for (mix, sound) in mix.iter_mut().zip(&self.sound) {
                    *mix = scaled(*mix, LOW).saturating_add(*sound);
                }
            }
            Bed::Rising => fade.between(LOW, ONE, mix),
        }
    }
}

/// What the mix is lowered to: by 12 dB. An announcement has the other three quarters.
const LOW: i32 = ONE / 4;
