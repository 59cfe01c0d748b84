//! A proxy between its neighbours.

use super::phone::Phone;
use crate::edge::tests::world;
use crate::{Certificate, Config, Listen, Running, StartError, start};
use proto::membership::Membership;
use proto::registrar::{Registrar, Reply};
use proto::view::View;
use proto::wire::{self, Binding, LocateRequest, LocateResponse, RegisterRequest, RegisterResponse};
use sip::hop::Transport;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a test waits before it calls a message lost.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Cluster {
    pub running: Option<Running>,
    pub registry: Arc<Registry>,
    pub shard: Shard,
    pub certificate: Vec<u8>,
    folder: PathBuf,
}

/// Remembers every binding, and answers at once or from another thread.
pub struct Registry {
    bindings: Mutex<Vec<Binding>>,
    answers: Answers,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    AtOnce,
    FromAnotherThread,
}

impl Registrar for Registry {
    fn register(&self, request: RegisterRequest, reply: Reply<RegisterResponse>) {
        let mut bindings = self.bindings.lock().unwrap();
        bindings.extend(request.contacts.iter().map(|contact| Binding {
            uri: contact.uri.clone(),
            flow: request.flow.clone(),
            expires_at: 4_000_000_000,
            q: 1000,
            ..Binding::default()
        }));
        let bindings = bindings.clone();
        let response = RegisterResponse { status: 200, bindings, now: 3_999_999_000, ..RegisterResponse::default() };
        match self.answers {
            Answers::AtOnce => reply(Ok(response)),
            Answers::FromAnotherThread => drop(std::thread::spawn(move || reply(Ok(response)))),
        }
    }

    fn locate(&self, _: LocateRequest, reply: Reply<LocateResponse>) {
        reply(Ok(LocateResponse { known: true, bindings: self.bindings.lock().unwrap().clone() }));
    }
}

/// A media shard's SIP, UDP and TCP at one address.
pub struct Shard {
    pub udp: UdpSocket,
    pub tcp: TcpListener,
    pub address: SocketAddr,
}

impl Shard {
    fn new() -> Shard {
        loop {
            let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
            let address = udp.local_addr().unwrap();
            if let Ok(tcp) = TcpListener::bind(address) {
                udp.set_read_timeout(Some(PATIENCE)).unwrap();
                return Shard { udp, tcp, address };
            }
        }
    }

    pub fn receive(&self) -> String {
        let mut room = [0; 65_535];
        let (length, _) = self.udp.recv_from(&mut room).expect("the proxy sends a datagram");
        String::from_utf8(room[..length].to_vec()).unwrap()
    }

    pub fn accept(&self) -> TcpStream {
        let (stream, _) = self.tcp.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

/// One message without a body off a stream.
pub fn read_message(stream: &mut impl Read) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).expect("a message comes"), 1, "the stream ended");
        text.extend_from_slice(&byte);
    }
    String::from_utf8(text).unwrap()
}

/// Starts a proxy, one at a time: between the kernel's choice of a port and its use another one could be given the same.
pub fn started(config: Config, view: Arc<View>, registry: Arc<Registry>) -> Result<Running, StartError> {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    start(config, view, registry)
}

impl Cluster {
    pub fn new() -> Cluster {
        Cluster::with(Answers::AtOnce, |_| {})
    }

    pub fn with(answers: Answers, change: impl FnOnce(&mut Config)) -> Cluster {
        let shard = Shard::new();
        let view = world::view(1);
        let inside = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        view.membership.store(Arc::new(Membership::from_wire(&wire::Membership {
            members: vec![
                world::member(1, wire::Role::Proxy, &inside.to_string(), 0),
                world::member(12, wire::Role::Media, &shard.address.to_string(), 1),
            ],
            ..wire::Membership::default()
        })));
        static FOLDERS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = FOLDERS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("tandem-proxy-test-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
        std::fs::write(&chain, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let any =
            |host: &str| Transport::ALL.map(|t| Listen { transport: t, address: format!("{host}:0").parse().unwrap() });
        let listen = [any("127.0.0.1"), any("[::1]")].concat();
        let mut config = Config::new("m1", "cluster.test", "paris", listen, "127.0.0.1:0".parse().unwrap());
        config.certificate = Certificate::Files { chain, key };
        config.workers = 2;
        change(&mut config);
        let registry = Arc::new(Registry { bindings: Mutex::default(), answers });
        let running = started(config, view, registry.clone()).unwrap_or_else(|why| panic!("{why}"));
        Cluster { running: Some(running), registry, shard, certificate: made.cert.der().to_vec(), folder }
    }

    pub fn inside(&self) -> SocketAddr {
        self.running.as_ref().unwrap().inside()
    }

    pub fn address(&self, transport: Transport, v6: bool) -> SocketAddr {
        let listen = self.running.as_ref().unwrap().addresses();
        listen.iter().find(|listen| listen.transport == transport && listen.address.is_ipv6() == v6).unwrap().address
    }

    pub fn phone(&self, transport: Transport) -> Phone {
        Phone::new(transport, self.address(transport, false), &self.certificate)
    }

    /// The flow token of the newest binding.
    pub fn flow(&self) -> String {
        self.registry.bindings.lock().unwrap().last().unwrap().flow.clone()
    }

    /// The shard calls a phone over its flow: by a datagram, or over a new connection, which is given back.
    pub fn shard_calls(&self, flow: &str, transport: Transport) -> Option<TcpStream> {
        let extra = format!("Route: <sip:{flow}@cluster.test;lr>\r\nTandem-Target: x\r\n");
        let own = self.shard.address.to_string();
        let request =
            world::request("INVITE", "sip:x@192.0.2.1", "alice@tandem.local", "bob@tandem.local", &own, &extra);
        if transport == Transport::Udp {
            self.shard.udp.send_to(request.as_bytes(), self.inside()).unwrap();
            None
        } else {
            let mut stream = TcpStream::connect(self.inside()).unwrap();
            stream.write_all(request.replace("SIP/2.0/UDP", "SIP/2.0/TCP").as_bytes()).unwrap();
            Some(stream)
        }
    }

    /// What reaches the shard next, over what a phone's transport becomes inside.
    pub fn shard_receives(&self, transport: Transport) -> String {
        if transport.is_reliable() { read_message(&mut self.shard.accept()) } else { self.shard.receive() }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.running.take());
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
