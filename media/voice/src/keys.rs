//! Keys among the sound.

use audio::dtmf::Sounder;
use std::time::Duration;

pub struct Keys(pub Sounder);

impl Keys {
    pub fn fill(&mut self, block: &mut [i16]) {
        self.0.fill(block);
    }
    pub fn press(&mut self, key: char) {
        let _ = self.0.press(key);
    }
    pub fn release(&mut self, held: Duration) {
        self.0.release(held);
    }
    pub fn strike(&mut self, key: char, held: Duration) {
        let _ = self.0.strike(key, held);
    }
}
