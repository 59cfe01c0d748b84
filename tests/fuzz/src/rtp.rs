use rtp::rtcp::{Builder, Compound, Rtcp};
use rtp::{Datagram, DigitReceiver, HEADER_LEN, Header, Heard, Micros, Packet, Reception, Sequencer, Ssrc};

/// A datagram read as whatever it may be; and as a row of headers, counted, numbered and heard.
pub fn rtp(data: &[u8]) {
    match Datagram::classify(data) {
        Datagram::Rtp => is_packet(data),
        Datagram::Rtcp => is_compound(data),
        Datagram::Stun | Datagram::Dtls | Datagram::Zrtp | Datagram::Turn | Datagram::Other => {}
    }
    is_stream(data);
}

fn is_packet(data: &[u8]) {
    let Ok(packet) = Packet::parse(data) else { return };
    let extension = packet.extension().map_or(0, |extension| 4 + extension.bytes.len());
    let head = HEADER_LEN + 4 * packet.sources().len() + extension;
    assert_eq!(head + packet.payload().len() + packet.padding(), data.len());
    let mut other = data.to_vec();
    let header = Header { sequence: 1, timestamp: 2, ssrc: Ssrc(3), ..packet.header };
    header.put(&mut other);
    let other = Packet::parse(&other).expect("only its fields are new");
    assert_eq!((other.header, other.payload()), (header, packet.payload()));
    header_round_trip(packet.header);
}

fn header_round_trip(header: Header) {
    assert_eq!(Packet::parse(&header.to_bytes()).expect("a header is a packet").header, header);
}

fn is_compound(data: &[u8]) {
    let Ok(compound) = Compound::parse(data) else { return };
    for part in compound.packets() {
        let mut built = Vec::new();
        match part {
            Rtcp::SenderReport { ssrc, sender, reports } => {
                let reports: Vec<_> = reports.collect();
                Builder::new(&mut built).sender_report(ssrc, sender, &reports);
                let again = Compound::parse(&built).expect("what we build is a report").packets().next();
                let Some(Rtcp::SenderReport { sender: told, reports: blocks, .. }) = again else { panic!("no report") };
                assert_eq!((told, blocks.collect::<Vec<_>>()), (sender, reports));
            }
            Rtcp::ReceiverReport { reports, .. } => assert!(reports.count() <= 31),
            Rtcp::Description(items) => items.for_each(|item| assert!(item.text.len() <= 255)),
            Rtcp::Bye { sources, reason } => {
                assert!(sources.len() <= 31 && reason.is_none_or(|reason| reason.len() <= 255));
            }
            Rtcp::Extended { blocks, .. } => assert!(blocks.count() <= data.len() / 4),
            Rtcp::TransportFeedback(feedback) | Rtcp::PayloadFeedback(feedback) => {
                assert!(feedback.body.len() < data.len());
            }
            Rtcp::Other { packet_type, .. } => assert!((192..=223).contains(&packet_type)),
        }
    }
}

fn is_stream(data: &[u8]) {
    let (rows, _) = data.as_chunks::<HEADER_LEN>();
    let mut reception = Reception::default();
    let mut sequencer = Sequencer::new(Ssrc(9), 65_530, u32::MAX - 1000);
    let mut digits = DigitReceiver::default();
    let (mut now, mut count) = (Micros(0), 0);
    for row in rows {
        let mut row = *row;
        row[0] = 0x80;
        let Ok(packet) = Packet::parse(&row) else { continue };
        now.0 += u64::from(row[11]) * 1000;
        count += 1;
        let clock = if packet.header.payload_type < 96 { 8000 } else { 48_000 };
        reception.on_packet(now, &packet.header, row.len(), clock);
        let ours = sequencer.follow(now, &packet.header, clock);
        assert_eq!((ours.ssrc, ours.payload_type), (Ssrc(9), packet.header.payload_type));
        if let Some(heard) = digits.handle_timeout(now) {
            assert!(matches!(heard, Heard::Released(..)) && digits.timeout().is_none());
        }
        assert!(digits.on_packet(now, &packet.header, &row[4..8]).count() <= 2);
        let told = reception.statistics();
        assert!(told.lost <= told.expected && told.gaps < count);
        assert_eq!(told.packets, told.expected - told.lost + told.duplicates + told.strays);
        assert!(reception.report().is_some());
    }
}
