//! As many in one room as it holds.

use super::transcoding::Speaker;
use super::*;
use audio::{Law, goertzel};
use codec::{Codec, Rate};

const CROWD: usize = 500;
/// Of those who speak, in Hz.
const VOICES: [f32; 5] = [300.0, 450.0, 700.0, 850.0, 950.0];
/// All of them together fit into 16 bits.
const SHARE: i16 = 5;

/// One who says nothing, as a phone does that sends its silence.
struct Listener {
    phone: Phone,
    opened: Opened,
    sequence: u16,
    heard: Vec<i16>,
}

impl Listener {
    fn come(bench: &mut Bench) -> Listener {
        let phone = Phone::at("127.0.0.1");
        let opened = bench.plane.open(Some(phone.remote().rtp)).unwrap();
        bench.plane.connect(opened.id, phone.speaking(&[(0, Codec::Pcmu)]));
        bench.plane.serve(opened.id, Sound::Room("hall".into()), &agreed(0));
        Listener { phone, opened, sequence: 0, heard: Vec::new() }
    }

    fn hear(&mut self) {
        while let Some((_, payload)) = rtp_of(&self.phone.rtp) {
            self.heard.extend(payload.iter().map(|code| Law::Mu.decode(*code)));
        }
    }
}

struct Hall {
    bench: Bench,
    speakers: Vec<(Speaker, Opened)>,
    listeners: Vec<Listener>,
}

impl Hall {
    fn speaker(bench: &mut Bench, hertz: f32) -> (Speaker, Opened) {
        let mut speaker = Speaker::new(Codec::L16(Rate::Wide), 96, hertz);
        speaker.sound.iter_mut().for_each(|sample| *sample /= SHARE);
        let opened = bench.plane.open(Some(speaker.phone.remote().rtp)).unwrap();
        bench.plane.connect(opened.id, speaker.remote());
        bench.plane.serve(opened.id, Sound::Room("hall".into()), &agreed(96));
        (speaker, opened)
    }

    /// All speakers speak, and the listeners send what they have, for so many turns of 20 ms.
    fn go_on(&mut self, turns: u32) {
        let Hall { bench, speakers, listeners } = self;
        for _ in 0..turns {
            for (speaker, opened) in speakers.iter_mut() {
                for packet in speaker.packets() {
                    bench.send(&speaker.phone.rtp, opened, Rtp, &packet);
                }
            }
            for listener in listeners.iter_mut() {
                listener.sequence += 1;
                let silence = packet(0, listener.sequence, 7, &[Law::Mu.silence(); 160]);
                bench.send(&listener.phone.rtp, &listener.opened, Rtp, &silence);
            }
            for _ in 0..4 {
                bench.wait(Duration::from_millis(5));
            }
            speakers.iter_mut().for_each(|(speaker, _)| speaker.listen());
            listeners.iter_mut().for_each(Listener::hear);
        }
    }
}

/// The voices that are heard in the last half second.
fn heard_in(samples: &[i16], rate: u32) -> Vec<f32> {
    let last = &samples[samples.len() - rate as usize / 2..];
    VOICES.into_iter().filter(|hertz| goertzel(last, rate, f64::from(*hertz)) > -30.0).collect()
}

/// The highest change of the step between two samples, in 20 ms: a click has far more than tones have.
fn roughness(samples: &[i16]) -> Vec<i32> {
    let bend = |three: &[i16]| (i32::from(three[2]) - 2 * i32::from(three[1]) + i32::from(three[0])).abs();
    let bends: Vec<i32> = samples.windows(3).map(bend).collect();
    bends.chunks(320).map(|block| block.iter().copied().max().unwrap_or(0)).collect()
}

#[test]
fn each_of_500_hears_all_who_speak_and_never_oneself_and_nobody_comes_or_goes_with_a_click() {
    net::raise_nofile_limit().unwrap();
    let mut bench = Bench::new();
    let speakers = VOICES.map(|hertz| Hall::speaker(&mut bench, hertz)).into();
    // It says nothing, and hears every sample as it was mixed.
    let witness = Hall::speaker(&mut bench, 0.0);
    let listeners = (0..CROWD - VOICES.len() - 1).map(|_| Listener::come(&mut bench)).collect();
    let mut hall = Hall { bench, speakers, listeners };
    hall.speakers.push(witness);
    assert!(hall.bench.plane.is_locked("hall"), "it is full");
    hall.go_on(50);

    let witness = VOICES.len();
    for (index, (speaker, _)) in hall.speakers.iter().enumerate() {
        let others = VOICES.into_iter().enumerate().filter(|(other, _)| *other != index).map(|(_, hertz)| hertz);
        assert_eq!(heard_in(&speaker.heard, 16_000), others.collect::<Vec<_>>(), "speaker {index}");
    }
    for (index, listener) in hall.listeners.iter().enumerate() {
        assert_eq!(heard_in(&listener.heard, 8000), VOICES, "listener {index}");
    }
    let settled = hall.speakers[witness].0.heard.len();
    let usual = *roughness(&hall.speakers[witness].0.heard[settled - 8000..]).iter().max().unwrap();

    // One who listens goes, and with the place another comes.
    let gone = hall.listeners.remove(200);
    hall.bench.plane.close(gone.opened.id);
    hall.go_on(15);
    hall.listeners.push(Listener::come(&mut hall.bench));
    hall.go_on(15);
    // One who speaks goes in the middle of a word.
    let (_, gone) = hall.speakers.remove(2);
    hall.bench.plane.close(gone.id);
    hall.go_on(40);
    let heard = &hall.speakers[witness - 1].0.heard;
    let rough = *roughness(&heard[settled..]).iter().max().unwrap();
    // The mix may be lowered and raised for the cues, whose own notes are low and soft.
    assert!(usual > 100 && rough < 2 * usual, "{rough} where {usual} is usual");
    let left = [300.0, 450.0, 850.0, 950.0];
    assert_eq!(heard_in(heard, 16_000), left);
    hall.listeners.iter().for_each(|listener| assert_eq!(heard_in(&listener.heard, 8000), left));

    for id in hall.speakers.iter().map(|(_, it)| it.id).chain(hall.listeners.iter().map(|it| it.opened.id)) {
        hall.bench.plane.close(id);
    }
    hall.bench.wait(Duration::from_millis(100));
    assert_eq!((hall.bench.plane.rooms.len(), hall.bench.plane.counts().ports_used), (0, 0));
}
