use codec::{Codec, Format, IlbcMode, Library, Parameters, Rate};
use rtp::{Header, Micros, Ssrc};
use std::time::Duration;
use voice::{Ear, Settings};

/// Whatever a phone sends, an ear gives blocks of the length asked for, and takes no more memory than it may.
pub fn ear(data: &[u8]) {
    let codecs =
        [Codec::Pcmu, Codec::G722, Codec::Opus, Codec::Gsm, Codec::Ilbc(IlbcMode::Ms20), Codec::L16(Rate::Wide)];
    let format = |(payload_type, codec)| Format { codec, payload_type, parameters: Parameters::default() };
    let formats: Vec<Format> = (0..).zip(codecs).map(format).collect();
    let settings = Settings { least: Duration::from_millis(10), most: Duration::from_millis(300) };
    let mut ear = Ear::new(8000, settings, &Library::default());
    ear.expect(&formats, Some(13));
    let (mut now, mut rest) = (0, data);
    // Each packet: kind, length, steps of number and time, payload.
    while let [kind, length, step, pause, tail @ ..] = rest {
        let (payload, after) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = after;
        now += u64::from(*pause) * 1000;
        let header = Header {
            marker: kind & 0x80 != 0,
            payload_type: kind & 0x0f,
            sequence: u16::from(*step).wrapping_mul(u16::from(*kind)).wrapping_add(now as u16 / 20),
            timestamp: u32::from(*step).wrapping_mul(0x0101_0101) ^ (now as u32 / 125),
            ssrc: Ssrc(u32::from(kind >> 6)),
        };
        ear.on_packet(Micros(now), &header, payload);
        let mut block = [0; 160];
        ear.draw(Micros(now), &mut block);
        assert!(ear.memory() < 4 << 20);
    }
}
