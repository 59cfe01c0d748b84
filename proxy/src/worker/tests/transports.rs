//! Every transport carries registrations and calls.

use super::cluster::{Answers, Cluster, PATIENCE, read_message};
use super::phone::{Phone, Wire, stream};
use crate::edge::tests::world;
use sip::hop::Transport;
use std::io::{Read, Write};
use std::net::UdpSocket;
use tungstenite::Message;

fn response(to: &str, status: u16) -> String {
    let request = sip::Message::parse(to.as_bytes()).unwrap();
    String::from_utf8(sip::Builder::response(&request, status, "X").to_tag("t").finish()).unwrap()
}

#[test]
fn phones_register_call_and_are_called_over_every_transport() {
    let cluster = Cluster::new();
    for transport in Transport::ALL {
        let mut phone = cluster.phone(transport);
        phone.register("alice");
        let connection = cluster.shard_calls(&cluster.flow(), transport);
        let ringing = phone.receive();
        assert!(ringing.starts_with("INVITE sip:x@192.0.2.1 SIP/2.0\r\n") && !ringing.contains("Tandem-"), "{ringing}");
        let via = format!("Via: SIP/2.0/{transport} {};branch=", cluster.address(transport, false));
        assert!(ringing.contains(&via), "{ringing}");
        phone.send(&response(&ringing, 486));
        assert!(cluster.shard_receives(transport).starts_with("SIP/2.0 486 "), "{transport}");
        drop(connection);

        let mut phone = cluster.phone(transport);
        let invite = world::invite("alice@tandem.local", "bob@tandem.local", &phone.address.to_string());
        phone.send(&invite);
        let challenged = phone.receive();
        assert!(challenged.starts_with("SIP/2.0 407 "), "{challenged}");
        let to = world::To::Hop(sip::hop::Hop::new(transport, phone.address));
        let challenged = world::Sent { to, bytes: challenged.into() };
        phone.send(&world::with_credentials(&invite, &challenged, "alice", "alice-demo"));
        if transport.is_reliable() {
            let mut inside = cluster.shard.accept();
            let call = read_message(&mut inside);
            inside.write_all(response(&call, 180).as_bytes()).unwrap();
        } else {
            let call = cluster.shard.receive();
            assert!(call.contains("Tandem-Caller: alice@tandem.local\r\n"), "{call}");
            cluster.shard.udp.send_to(response(&call, 180).as_bytes(), cluster.inside()).unwrap();
        }
        let back = phone.receive();
        assert!(back.starts_with("SIP/2.0 180 "), "{back}");
    }
}

#[test]
fn ipv6_listeners_serve_as_well() {
    let cluster = Cluster::new();
    for transport in Transport::ALL {
        let address = cluster.address(transport, true);
        let mut phone = Phone::new(transport, address, &cluster.certificate);
        phone.register("bob");
        drop(cluster.shard_calls(&cluster.flow(), transport));
        let call = phone.receive();
        assert!(call.contains(&format!("Via: SIP/2.0/{transport} [::1]:{};branch=", address.port())), "{call}");
    }
}

#[test]
fn a_registry_may_answer_from_another_thread() {
    let cluster = Cluster::with(Answers::FromAnotherThread, |_| {});
    for transport in Transport::ALL {
        cluster.phone(transport).register("alice");
    }
}

#[test]
fn bytes_may_come_one_by_one() {
    let cluster = Cluster::new();
    let certificate = &cluster.certificate;
    for transport in [Transport::Tcp, Transport::Tls] {
        let (mut stream, own) = stream(transport, cluster.address(transport, false), certificate);
        let options = world::request("OPTIONS", "sip:tandem.local", "a@b", "a@b", &own.to_string(), "");
        for byte in [options.as_bytes(), b"\r\n\r\n", options.as_bytes()].concat() {
            stream.write_all(&[byte]).unwrap();
            stream.flush().unwrap();
        }
        for _ in 0..2 {
            // The answer to the ping comes in between, or first if the bytes met on the way.
            assert!(read_message(&mut stream).trim_start().starts_with("SIP/2.0 200 "));
        }
    }
    for transport in [Transport::Ws, Transport::Wss] {
        let (mut stream, own) = stream(transport, cluster.address(transport, false), certificate);
        let options = world::request("OPTIONS", "sip:tandem.local", "a@b", "a@b", &own.to_string(), "");
        let mut bytes =
            b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: \
            dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
                .to_vec();
        bytes.extend_from_slice(&[0x81, 0xfe, (options.len() >> 8) as u8, options.len() as u8, 0, 0, 0, 0]);
        bytes.extend_from_slice(options.as_bytes());
        for byte in bytes {
            stream.write_all(&[byte]).unwrap();
            stream.flush().unwrap();
        }
        assert!(read_message(&mut stream).starts_with("HTTP/1.1 101 "));
        let mut header = [0; 4];
        stream.read_exact(&mut header).unwrap();
        assert_eq!(header[..2], [0x81, 126]);
        assert!(read_message(&mut stream).starts_with("SIP/2.0 200 "));
    }
}

#[test]
fn keep_alives_are_answered() {
    let cluster = Cluster::new();
    let mut phone = cluster.phone(Transport::Wss);
    let Wire::WebSocket(socket) = &mut phone.wire else { panic!() };
    socket.send(Message::Ping(b"x".to_vec().into())).unwrap();
    assert_eq!(socket.read().unwrap(), Message::Pong(b"x".to_vec().into()));
    socket.send(Message::text("\r\n\r\n")).unwrap();
    assert_eq!(socket.read().unwrap(), Message::text("\r\n"));

    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_read_timeout(Some(PATIENCE)).unwrap();
    let to = cluster.address(Transport::Udp, false);
    udp.send_to(b"\r\n\r\n", to).unwrap();
    udp.send_to(&[&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12]].concat(), to).unwrap();
    let mut room = [0; 100];
    let length = udp.recv(&mut room).unwrap();
    assert_eq!((room[..4].to_vec(), &room[8..20], length), (vec![1, 1, 0, 12], &[7; 12][..], 32));
}

#[test]
fn garbage_ends_its_connection_and_nothing_else() {
    let cluster = Cluster::new();
    let mut phones = Transport::ALL.map(|transport| cluster.phone(transport));
    for transport in [Transport::Tcp, Transport::Ws, Transport::Tls, Transport::Wss] {
        // TLS listeners are sent what is no TLS.
        let (mut stream, _) = stream(Transport::Tcp, cluster.address(transport, false), &[]);
        let garbage: &[u8] = match transport {
            Transport::Ws => b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            _ => b"OPTIONS sip:a SIP/2.0\r\nContent-Length: x\r\n\r\n\0\0\0",
        };
        stream.write_all(garbage).unwrap();
        let mut rest = Vec::new();
        // The connection may end with a reset where bytes were left unread.
        let _ = stream.read_to_end(&mut rest);
        assert_eq!(rest.starts_with(b"HTTP/1.1 400 "), transport == Transport::Ws, "{transport}");
    }
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    for garbage in [&b""[..], b"\0", b"INVITE", b"SIP/2.0 200 OK\r\n\r\n", &[0xff; 60_000]] {
        udp.send_to(garbage, cluster.address(Transport::Udp, false)).unwrap();
        udp.send_to(garbage, cluster.inside()).unwrap();
    }
    for phone in &mut phones {
        phone.send(&phone.options());
        assert!(phone.receive().starts_with("SIP/2.0 200 "));
    }
}
