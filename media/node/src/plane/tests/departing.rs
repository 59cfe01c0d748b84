//! Packets of the exchange itself that the kernel sends, between real sockets of the loopback interface.

use super::protected::{keyed, protected};
use super::*;
use codec::Codec;

/// A phone that hears itself, for long enough that the kernel sends what it hears.
fn echoed(bench: &mut Bench, phone: &Phone) -> Opened {
    let opened = bench.open(phone);
    bench.plane.serve(opened.id, Sound::Echo, &agreed(0));
    bench.send(&phone.rtp, &opened, Rtp, &packet(0, 0, 5, &[0; 160]));
    bench.wait(Duration::from_secs(1));
    assert_eq!((all(phone).len(), bench.plane.counts().laid), (1, 0));
    opened
}

/// Every packet that has arrived.
fn all(phone: &Phone) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| received(&phone.rtp)).collect()
}

#[test]
fn what_is_encrypted_leaves_without_a_socket_as_it_would_by_one() {
    let Some(mut bench) = Bench::forwarding() else { return };
    let (plain, secret) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.bridged(&plain, &secret);
    let (keys, mut says, mut hears) = keyed(srtp::Suite::AesCm128HmacSha1_80);
    bench.plane.connect(b.id, Remote { security: Security::Sdes(keys), ..secret.remote() });
    let sound: Vec<_> = (0..20).map(|sequence| packet(0, sequence, 7, &[sequence as u8; 161])).collect();
    let answers: Vec<_> = (0..20).map(|sequence| packet(0, sequence, 9, &[0x55; 160])).collect();
    for (sound, answer) in sound.iter().zip(&answers) {
        bench.send(&plain.rtp, &a, Rtp, sound);
        bench.send(&secret.rtp, &b, Rtp, &protected(&mut says, srtp::Outbound::protect_rtp, answer));
        bench.wait(Duration::from_millis(200));
    }
    assert_eq!(all(&plain), answers);
    let mut open = |mut packet: Vec<u8>| {
        let length = hears.open_rtp(&mut packet).unwrap();
        packet.truncate(length);
        packet
    };
    assert_eq!(all(&secret).into_iter().map(&mut open).collect::<Vec<_>>(), sound);
    let counts = bench.plane.counts();
    assert!(counts.laid > 20 && counts.sent == 40 && counts.unsent == 0, "{counts:?}");
    assert_eq!((bench.plane.close(a.id).sent, bench.plane.close(b.id).sent), (20, 20));
}

#[test]
fn an_echo_and_another_codec_leave_without_a_socket() {
    let Some(mut bench) = Bench::forwarding() else { return };
    let (echoed, one, other) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"), Phone::at("127.0.0.3"));
    let (echo, a, b) = (bench.open(&echoed), bench.open(&one), bench.open(&other));
    bench.plane.serve(echo.id, Sound::Echo, &agreed(0));
    bench.plane.connect(a.id, one.speaking(&[(0, Codec::Pcmu)]));
    bench.plane.connect(b.id, other.speaking(&[(8, Codec::Pcma)]));
    bench.plane.bridge(a.id, b.id);
    bench.wait(Duration::from_secs(1));
    let before = bench.plane.counts();
    for sequence in 0..50 {
        bench.send(&echoed.rtp, &echo, Rtp, &packet(0, sequence, 5, &[0x33; 160]));
        bench.send(&one.rtp, &a, Rtp, &packet(0, sequence, 7, &[0x44; 160]));
        bench.wait(Duration::from_millis(20));
    }
    assert!(all(&echoed).iter().all(|packet| packet.ends_with(&[0x33; 160])));
    let heard: Vec<_> = all(&other).iter().map(|packet| rtp::Packet::parse(packet).unwrap().header).collect();
    assert!(heard.windows(2).all(|two| two[1].sequence == two[0].sequence.wrapping_add(1)), "{heard:?}");
    let counts = bench.plane.counts();
    assert_eq!(counts.laid - before.laid, counts.sent - before.sent);
    assert!(counts.laid >= 100, "{counts:?}");
}

/// A phone that is somewhere else now is told there at once, and in the order in which things are said.
#[test]
fn a_phone_that_moves_or_holds_gets_nothing_where_it_was() {
    let Some(mut bench) = Bench::forwarding() else { return };
    let (phone, moved) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let opened = echoed(&mut bench, &phone);
    bench.send(&phone.rtp, &opened, Rtp, &packet(0, 1, 5, &[0; 160]));
    bench.wait(Duration::from_millis(2));
    assert_eq!((all(&phone).len(), bench.plane.counts().laid), (1, 1));
    bench.plane.connect(opened.id, moved.remote());
    bench.send(&moved.rtp, &opened, Rtp, &packet(0, 2, 5, &[0; 160]));
    assert_eq!((all(&phone).len(), all(&moved).len(), bench.plane.counts().laid), (0, 1, 1));
    bench.wait(Duration::from_secs(1));
    bench.send(&moved.rtp, &opened, Rtp, &packet(0, 3, 5, &[0; 160]));
    bench.wait(Duration::from_millis(2));
    assert_eq!((all(&phone).len(), all(&moved).len(), bench.plane.counts().laid), (0, 1, 2));
    bench.plane.connect(opened.id, Remote { rtp: SocketAddr::from(([0, 0, 0, 0], 4000)), ..moved.remote() });
    bench.send(&moved.rtp, &opened, Rtp, &packet(0, 4, 5, &[0; 160]));
    bench.wait(Duration::from_millis(2));
    assert_eq!((all(&phone).len(), all(&moved).len()), (0, 0));
}

#[test]
fn what_is_too_long_to_be_laid_follows_by_the_socket_what_was_laid_before() {
    let Some(mut bench) = Bench::forwarding() else { return };
    let phone = Phone::at("127.0.0.1");
    let opened = echoed(&mut bench, &phone);
    let lengths = [160, 1300, 1370, 1500, 160, 3000, 20];
    for (sequence, length) in lengths.iter().enumerate() {
        phone.rtp.send_to(&packet(0, 1 + sequence as u16, 5, &vec![0; *length]), (opened.address, opened.rtp)).unwrap();
    }
    bench.turn();
    bench.wait(Duration::from_millis(2));
    // What came through shared memory came first.
    let heard: Vec<_> = all(&phone).iter().map(|packet| packet.len() - 12).collect();
    assert_eq!(heard, [160, 1300, 160, 20, 1370, 1500, 3000]);
    let counts = bench.plane.counts();
    assert_eq!((counts.laid, counts.sent, counts.unsent), (5, 8, 0));
}

#[test]
fn what_was_laid_before_its_pair_was_closed_is_still_sent() {
    let Some(mut bench) = Bench::forwarding() else { return };
    let phone = Phone::at("127.0.0.1");
    let opened = echoed(&mut bench, &phone);
    let sent = bench.plane.counts().sent;
    // Laid when its pair is closed, and sent all the same.
    phone.rtp.send_to(&packet(0, 1, 5, &[7; 160]), (opened.address, opened.rtp)).unwrap();
    bench.plane.close(opened.id);
    assert_eq!((bench.plane.counts().laid, all(&phone).len()), (1, 0));
    bench.plane.flush();
    assert_eq!((all(&phone).len(), bench.plane.counts().sent, bench.plane.counts().unsent), (1, sent + 1, 0));
}

#[test]
fn a_phone_beyond_a_narrow_interface_is_served_by_sockets() {
    let (Some(mut bench), Some(elsewhere)) = (Bench::forwarding(), support::Elsewhere::new()) else { return };
    elsewhere.set_mtu(1400);
    let phone = Phone { rtp: elsewhere.socket(), rtcp: elsewhere.socket() };
    let opened = bench.open(&phone);
    bench.plane.serve(opened.id, Sound::Echo, &agreed(0));
    for sequence in 0..3 {
        phone.rtp.send_to(&packet(0, sequence, 5, &[0; 160]), (opened.address, opened.rtp)).unwrap();
        // Another machine's packets take their time.
        bench.epoll.wait(&mut bench.events, Some(Duration::from_secs(3))).unwrap();
        bench.turn();
        assert!(received(&phone.rtp).is_some());
        bench.wait(Duration::from_secs(1));
    }
    assert_eq!(bench.plane.counts().laid, 0);
}
