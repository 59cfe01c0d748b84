//! What a relayed packet costs beside its two system calls.

use std::hint::black_box;
use std::net::SocketAddr;

use divan::Bencher;
use rtp::{Accept, Datagram, Header, Latch, Micros, Packet, Reception, Sequencer, Ssrc};

fn main() {
    divan::main();
}

/// A packet of 20 ms of G.711.
fn packet(sequence: u16) -> Vec<u8> {
    let timestamp = u32::from(sequence) * 160;
    let header = Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: Ssrc(1) };
    [&header.to_bytes()[..], &[0xff; 160]].concat()
}

/// A minute of them, as they arrive.
fn packets() -> Vec<(Micros, Vec<u8>)> {
    (0..3000).map(|sequence| (Micros(u64::from(sequence) * 20_000), packet(sequence))).collect()
}

#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let packet = packet(7);
    bencher.bench(|| Packet::parse(black_box(&packet)));
}

#[divan::bench]
fn count_3000_packets(bencher: Bencher<'_, '_>) {
    let packets = packets();
    let headers: Vec<_> =
        packets.iter().map(|(now, bytes)| (*now, Packet::parse(bytes).map(|packet| packet.header))).collect();
    bencher.bench(|| {
        let mut reception = Reception::default();
        for (now, header) in &headers {
            if let Ok(header) = black_box(header) {
                reception.on_packet(*now, header, 172, 8000);
            }
        }
        reception.statistics()
    });
}

#[divan::bench]
fn rewrite_3000_packets(bencher: Bencher<'_, '_>) {
    let mut packets = packets();
    bencher.bench_local(|| {
        let mut sequencer = Sequencer::new(Ssrc(9), 1, 2);
        for (now, bytes) in &mut packets {
            if let Ok(packet) = Packet::parse(black_box(bytes)) {
                let header = packet.header;
                sequencer.follow(*now, &header, 8000).put(bytes);
            }
        }
    });
}

#[divan::bench]
fn relay_3000_packets(bencher: Bencher<'_, '_>) {
    let packets = packets();
    let phone = SocketAddr::from(([192, 0, 2, 1], 4000));
    bencher.bench(|| {
        let mut latch = Latch::new(Micros(0), Some(phone));
        let mut reception = Reception::default();
        for (now, bytes) in &packets {
            let bytes = black_box(&bytes[..]);
            if latch.accept(*now, phone) == Accept::Foreign || Datagram::classify(bytes) != Datagram::Rtp {
                continue;
            }
            if let Ok(packet) = Packet::parse(bytes) {
                reception.on_packet(*now, &packet.header, bytes.len(), 8000);
            }
        }
        (reception.statistics(), latch.target())
    });
}
