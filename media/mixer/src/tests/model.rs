//! A room in which people come, go, speak and are muted by chance, held against what must be heard: the sum of those who
//! speak, wherever nothing has changed for a second.

use super::sound::{Random, Room, Voice};
use crate::{Audience, Muted, SPEAKERS, Seat, Told};

/// One who is or was in the room.
struct Person {
    seat: Seat,
    voice: Voice,
    is_speaking: bool,
    is_muted: bool,
}

/// Turns after which all fades and pauses are over.
const SETTLED: usize = 60;

#[test]
fn each_hears_the_sum_of_all_others_wherever_nothing_changed_lately() {
    let mut random = Random::new();
    for (rate, turns) in [(8000, 6000), (16_000, 3000), (48_000, 1500)] {
        let mut room = Room::new(rate);
        let mut people: Vec<Person> = Vec::new();
        let mut gone: Vec<Seat> = Vec::new();
        let (mut changed, mut compared) = (0, 0);
        let mut next_change = 0;
        while room.at < turns {
            if room.at >= next_change {
                changed = room.at;
                next_change = room.at + random.below(2 * SETTLED);
                change(&mut room, &mut people, &mut gone, &mut random);
            }
            for seat in &gone {
                room.mixer.hear(*seat, &Voice { hertz: 900.0, peak: 30_000.0 }.block(rate, room.at));
                assert!(
                    matches!(room.mixer.told(*seat), Told::Own(samples) if samples.iter().all(|sample| *sample == 0))
                );
            }
            let said: Vec<Vec<i16>> = people
                .iter()
                .map(|person| {
                    if person.is_speaking {
                        person.voice.block(rate, room.at)
                    } else {
                        random.noise(rate as usize / 50, 20.0)
                    }
                })
                .collect();
            for (person, said) in people.iter().zip(&said) {
                room.mixer.hear(person.seat, said);
            }
            room.turn(&[]);
            assert_eq!(room.mixer.len(), people.len());
            assert!(room.mixer.speakers().count() <= SPEAKERS);
            if room.at > changed + SETTLED {
                compare(&room, &people, &said);
                compared += 1;
            }
        }
        assert!(compared > turns / 10, "{compared}");
    }
}

fn compare(room: &Room, people: &[Person], said: &[Vec<i16>]) {
    let speaking: Vec<&Seat> =
        people.iter().filter(|one| one.is_speaking && !one.is_muted).map(|one| &one.seat).collect();
    let found = room.speakers();
    assert!(found.len() == speaking.len() && speaking.iter().all(|seat| found.contains(seat)), "{}", room.at);
    for listener in people {
        let mut sum = vec![0; said.first().map_or(0, Vec::len)];
        for (person, said) in people.iter().zip(said) {
            if person.is_speaking && !person.is_muted && person.seat != listener.seat {
                sum.iter_mut().zip(said).for_each(|(sum, sample)| *sum += sample);
            }
        }
        assert_eq!(room.told(listener.seat), sum, "{}", room.at);
        let is_heard = speaking.contains(&&listener.seat);
        assert_eq!(matches!(room.mixer.told(listener.seat), Told::Own(_)), is_heard);
    }
}

/// At most five speak at once, and none so loudly that the sum would not fit.
fn change(room: &mut Room, people: &mut Vec<Person>, gone: &mut Vec<Seat>, random: &mut Random) {
    for _ in 0..1 + random.below(3) {
        let chosen = random.below(people.len().max(1));
        match (random.below(6), people.get_mut(chosen)) {
            (0, _) | (_, None) => {
                let voice =
                    Voice { hertz: 200.0 + random.below(1500) as f64, peak: 1000.0 + random.below(5000) as f64 };
                people.push(Person { seat: room.join(), voice, is_speaking: false, is_muted: false });
            }
            (1, Some(person)) => {
                room.mixer.leave(person.seat);
                gone.push(person.seat);
                people.swap_remove(chosen);
            }
            (2, Some(person)) => {
                person.is_muted = !person.is_muted;
                room.mixer.mute(person.seat, if person.is_muted { Muted::Yes } else { Muted::No });
            }
            _ => {
                let speaking = people.iter().filter(|person| person.is_speaking).count();
                let person = &mut people[chosen];
                person.is_speaking = !person.is_speaking && speaking < SPEAKERS;
            }
        }
    }
}

#[test]
fn nothing_that_is_called_in_any_order_panics_and_equal_rooms_sound_alike() {
    let mut random = Random::new();
    let mut rooms = [Room::new(8000), Room::new(8000)];
    let mut seats: Vec<Seat> = Vec::new();
    for _ in 0..30_000 {
        let (kind, seat) = (random.below(40), seats.get(random.below(seats.len().max(1))).copied());
        let block = match random.below(4) {
            0 => vec![[i16::MIN, i16::MAX][random.below(2)]; random.below(400)],
            quiet => random.noise(160, [0.0, 30.0, 300.0, 9000.0][quiet]),
        };
        let mut joined = Vec::new();
        for room in &mut rooms {
            match (kind, seat) {
                (0..3, _) | (_, None) => joined.extend(room.mixer.join()),
                (3..5, Some(seat)) => room.mixer.leave(seat),
                (5, Some(seat)) => room.mixer.mute(seat, Muted::Yes),
                (6, Some(seat)) => room.mixer.mute(seat, Muted::No),
                (7, Some(seat)) => drop(room.mixer.announce(Audience::One(seat), block.clone().into())),
                (8, _) => drop(room.mixer.announce(Audience::All, block.clone().into())),
                (9..15, _) => room.mixer.turn(),
                (_, Some(seat)) => room.mixer.hear(seat, &block),
            }
        }
        assert!(joined.len() % 2 == 0 && joined.chunks(2).all(|two| two[0] == two[1]));
        seats.extend(joined.first());
        let [one, two] = &rooms;
        for seat in seat.iter().chain(seats.last()) {
            assert_eq!(one.mixer.told(*seat), two.mixer.told(*seat));
        }
        assert_eq!(one.speakers(), two.speakers());
    }
}
