//! Connections: across workers, limited, and gone.

use super::cluster::{Answers, Cluster, read_message, started};
use super::phone::stream;
use crate::edge::tests::world;
use crate::{Config, ConnectionLimits, Listen, StartError};
use sip::hop::Transport;
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

#[test]
fn a_connection_is_reached_from_every_worker() {
    let cluster = Cluster::with(Answers::AtOnce, |config| config.workers = 4);
    // The kernel spreads them over the workers; the shard's datagrams all come to one.
    let mut phones: Vec<_> = (0..32).map(|_| cluster.phone(Transport::Tcp)).collect();
    for phone in &mut phones {
        phone.register("alice");
        assert!(cluster.shard_calls(&cluster.flow(), Transport::Udp).is_none());
        let call = phone.receive();
        assert!(call.starts_with("INVITE "), "{call}");
        assert!(call.contains(&format!("Via: SIP/2.0/TCP {};", cluster.address(Transport::Tcp, false))), "{call}");
    }
}

#[test]
fn what_many_connections_say_at_once_is_answered_to_each() {
    let cluster = Cluster::with(Answers::AtOnce, |config| config.workers = 1);
    let mut phones: Vec<_> = (0..24).map(|_| cluster.phone(Transport::Tcp)).collect();
    // Together more than the worker reads before it looks at any of it, and each in several pieces.
    let body = "x".repeat(60_000);
    for (number, phone) in phones.iter_mut().enumerate() {
        let request =
            phone.options().replace("Content-Length: 0\r\n\r\n", &format!("Content-Length: 60000\r\n\r\n{body}"));
        phone.send(&request.replace("Call-ID: ", &format!("Call-ID: phone-{number}-")));
    }
    for (number, phone) in phones.iter_mut().enumerate() {
        let answer = phone.receive();
        assert!(
            answer.starts_with("SIP/2.0 200 ") && answer.contains(&format!("Call-ID: phone-{number}-")),
            "{answer}"
        );
    }
}

#[test]
fn a_closed_connection_answers_430() {
    let cluster = Cluster::with(Answers::AtOnce, |config| config.workers = 1);
    let mut phone = cluster.phone(Transport::Tcp);
    phone.register("alice");
    let flow = cluster.flow();
    drop(phone);
    // A new connection takes the place of the old one, but not its flow.
    let mut next = cluster.phone(Transport::Tcp);
    next.send(&next.options());
    next.receive();
    cluster.shard_calls(&flow, Transport::Udp);
    let answer = cluster.shard.receive();
    assert!(answer.starts_with("SIP/2.0 430 "), "{answer}");
    // Over TCP the answer comes back on the connection that the request came on.
    let mut stream = std::net::TcpStream::connect(cluster.inside()).unwrap();
    let extra = format!("Route: <sip:{flow}@cluster.test;lr>\r\n");
    let request = world::request("INVITE", "sip:x@192.0.2.1", "a@b", "c@d", "shard.test", &extra);
    stream.write_all(request.as_bytes()).unwrap();
    let answer = read_message(&mut stream);
    assert!(answer.starts_with("SIP/2.0 430 "), "{answer}");
}

#[test]
fn a_shard_that_is_not_there_is_answered_for() {
    let mut cluster = Cluster::new();
    // Nobody listens at the real shard's address any more.
    cluster.shard.tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut phone = cluster.phone(Transport::Tcp);
    let invite = world::invite("alice@tandem.local", "bob@tandem.local", &phone.address.to_string());
    let answer = phone.authenticated(&invite, "alice");
    assert!(answer.starts_with("SIP/2.0 503 "), "{answer}");
}

fn limited(change: impl FnOnce(&mut ConnectionLimits)) -> Cluster {
    Cluster::with(Answers::AtOnce, |config| change(&mut config.connections))
}

/// Whether the proxy closes a connection on which nothing is sent.
fn is_closed(cluster: &Cluster, transport: Transport) -> bool {
    let (mut stream, _) = stream(Transport::Tcp, cluster.address(transport, false), &[]);
    // TLS says goodbye before.
    stream.read_to_end(&mut Vec::new()).is_ok()
}

#[test]
fn what_begins_and_does_not_go_on_is_closed() {
    let cluster = limited(|limits| limits.handshake = Duration::ZERO);
    for transport in [Transport::Tls, Transport::Ws, Transport::Wss] {
        assert!(is_closed(&cluster, transport), "{transport}");
    }
    let mut phone = cluster.phone(Transport::Tcp);
    phone.send("OPTIONS sip:tandem.local SIP/2.0\r\nVia: ");
    let super::phone::Wire::Stream(stream) = &mut phone.wire else { panic!() };
    assert_eq!(stream.read(&mut [0; 16]).unwrap(), 0);
}

#[test]
fn silent_connections_are_closed() {
    let cluster = limited(|limits| limits.idle = Duration::ZERO);
    assert!(is_closed(&cluster, Transport::Tcp));
}

#[test]
fn connections_are_limited_in_all_and_by_address() {
    for change in [|l: &mut ConnectionLimits| l.total = 3, |l: &mut ConnectionLimits| l.per_address = 3] {
        let cluster = limited(change);
        let mut phones: Vec<_> = (0..3).map(|_| cluster.phone(Transport::Tcp)).collect();
        for phone in &mut phones {
            phone.send(&phone.options());
            phone.receive();
        }
        assert!(is_closed(&cluster, Transport::Tcp));
        drop(phones);
        // Room comes back when the proxy has noticed.
        loop {
            let (mut stream, own) = stream(Transport::Tcp, cluster.address(Transport::Tcp, false), &[]);
            let options = world::request("OPTIONS", "sip:tandem.local", "a@b", "a@b", &own.to_string(), "");
            if stream.write_all(options.as_bytes()).is_ok() && matches!(stream.read(&mut [0; 1]), Ok(1)) {
                break;
            }
        }
    }
}

#[test]
fn a_banned_source_loses_its_connection_and_gets_no_other() {
    let cluster = Cluster::with(Answers::AtOnce, |config| (config.workers, config.limits.failures) = (1, 0));
    let mut phone = cluster.phone(Transport::Tcp);
    let own = phone.address.to_string();
    let register = world::request("REGISTER", "sip:tandem.local", "bob@tandem.local", "bob@tandem.local", &own, "");
    phone.send(&register);
    let to = world::To::Hop(sip::hop::Hop::new(Transport::Tcp, phone.address));
    let challenged = world::Sent { to, bytes: phone.receive().into() };
    phone.send(&world::with_credentials(&register, &challenged, "bob", "wrong"));
    let super::phone::Wire::Stream(stream) = &mut phone.wire else { panic!() };
    assert_eq!(stream.read(&mut [0; 16]).unwrap(), 0);
    assert!(is_closed(&cluster, Transport::Tls));
}

#[test]
fn a_peer_that_does_not_read_is_cut_off() {
    let cluster = limited(|limits| limits.backlog = 64 * 1024);
    let mut phone = cluster.phone(Transport::Tcp);
    phone.register("alice");
    let flow = cluster.flow();
    // What the kernel's buffers hold of a few megabytes is not all.
    while {
        cluster.shard_calls(&flow, Transport::Udp);
        cluster.shard.udp.set_nonblocking(true).unwrap();
        let answered = cluster.shard.udp.recv(&mut [0; 2048]);
        cluster.shard.udp.set_nonblocking(false).unwrap();
        answered.is_err()
    } {}
    drop(phone);
}

#[test]
fn a_taken_port_is_named_with_its_key() {
    let (udp, tcp) = (UdpSocket::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (udp, tcp, any) = (udp.local_addr().unwrap(), tcp.local_addr().unwrap(), "127.0.0.1:0".parse().unwrap());
    let listen = |transport, address| vec![Listen { transport, address }];
    for (listen, inside, says) in [
        (listen(Transport::Udp, udp), any, format!("bind [proxy.listen] udp://{udp}: ")),
        (listen(Transport::Tls, tcp), any, format!("bind [proxy.listen] tls://{tcp}: ")),
        (listen(Transport::Udp, any), udp, format!("bind [proxy.inside] {udp}: ")),
    ] {
        let config = Config::new("m1", "c", "paris", listen, inside);
        let registry = Cluster::with(Answers::AtOnce, |config| config.listen.clear()).registry.clone();
        let error = started(config, world::view(1), registry).err().unwrap();
        assert!(matches!(error, StartError::Bind { .. }));
        let text = error.to_string();
        assert!(
            text.starts_with(&says) && text.ends_with("is another tandem or Asterisk running? choose another port"),
            "{text}"
        );
    }
}

#[test]
fn draining_keeps_what_is_there_and_stopping_ends_it() {
    let mut cluster = Cluster::new();
    let mut phone = cluster.phone(Transport::Tls);
    phone.register("alice");
    let running = cluster.running.take().unwrap();
    running.drain();
    phone.send(&phone.options());
    assert!(phone.receive().starts_with("SIP/2.0 200 "));
    // Members still connect.
    cluster.running = Some(running);
    drop(cluster.shard_calls(&cluster.flow(), Transport::Tcp));
    assert!(phone.receive().starts_with("INVITE "));
    let running = cluster.running.take().unwrap();
    running.stop();
    let super::phone::Wire::Stream(stream) = &mut phone.wire else { panic!() };
    assert_eq!(stream.read(&mut [0; 16]).unwrap(), 0);
}
