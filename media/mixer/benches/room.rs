//! What a turn of a room costs: three who speak, and all others with the noise of their microphones.

use std::hint::black_box;

use divan::Bencher;
use mixer::{Mixer, Seat};

/// Counts what turns allocate, which is nothing.
#[global_allocator]
static ALLOCATIONS: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

const RATE: u32 = 16_000;
const ROOMS: [usize; 3] = [10, 100, 500];

/// A room in which three have begun to speak.
struct Room {
    mixer: Mixer,
    seats: Vec<Seat>,
    voices: [Vec<i16>; 3],
    noise: Vec<i16>,
}

impl Room {
    fn new(seats: usize) -> Room {
        let mut mixer = Mixer::new(RATE);
        let seats = (0..seats).map(|_| mixer.join().expect("the room has seats for 500")).collect();
        let wave = |period: i32| (0..320).map(|at| ((at * 20_000 / period) % 20_000 - 10_000) as i16).collect();
        let voices = [wave(20), wave(32), wave(40)];
        let mut room = Room { mixer, seats, voices, noise: (0..320).map(|at| (at * 7919 % 31 - 15) as i16).collect() };
        (0..100).for_each(|_| room.turn());
        assert_eq!(room.mixer.speakers().count(), 3);
        room
    }

    fn hear_silent(&mut self) {
        for seat in &self.seats[3..] {
            self.mixer.hear(*seat, black_box(&self.noise));
        }
    }

    fn hear_voices(&mut self) {
        for (seat, voice) in self.seats.iter().zip(&self.voices) {
            self.mixer.hear(*seat, black_box(voice));
        }
    }

    fn turn(&mut self) {
        self.hear_voices();
        self.hear_silent();
        self.mixer.turn();
    }
}

/// All that is heard, mixed, and told.
#[divan::bench(args = ROOMS)]
fn whole_turn(bencher: Bencher<'_, '_>, seats: usize) {
    let mut room = Room::new(seats);
    bencher.bench_local(|| {
        room.turn();
        for seat in &room.seats {
            black_box(room.mixer.told(*seat));
        }
    });
}

/// What those cost who say nothing: a block of noise of each is heard.
#[divan::bench(args = ROOMS)]
fn hear_silent(bencher: Bencher<'_, '_>, seats: usize) {
    let mut room = Room::new(seats);
    bencher.bench_local(|| room.hear_silent());
}

/// The turn alone; nothing is heard in it of anybody but the three.
#[divan::bench(args = ROOMS)]
fn three_voices_and_turn(bencher: Bencher<'_, '_>, seats: usize) {
    let mut room = Room::new(seats);
    bencher.bench_local(|| {
        room.hear_voices();
        room.mixer.turn();
    });
}
