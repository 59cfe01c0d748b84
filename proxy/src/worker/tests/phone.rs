//! A phone over any transport, with blocking sockets.

use super::cluster::{PATIENCE, read_message};
use crate::edge::tests::world::{self, Sent, To};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sip::hop::{Hop, Transport};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

pub struct Phone {
    pub wire: Wire,
    pub address: SocketAddr,
    transport: Transport,
}

pub enum Wire {
    Udp(UdpSocket),
    Stream(Box<dyn Stream>),
    WebSocket(Box<WebSocket<Box<dyn Stream>>>),
}

pub trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A TCP or TLS stream to a listener, before any WebSocket on it.
pub fn stream(transport: Transport, to: SocketAddr, certificate: &[u8]) -> (Box<dyn Stream>, SocketAddr) {
    let tcp = TcpStream::connect(to).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    tcp.set_nodelay(true).unwrap();
    let own = tcp.local_addr().unwrap();
    if !transport.is_secure() {
        return (Box::new(tcp), own);
    }
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(certificate.to_vec())).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let tls = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    (Box::new(StreamOwned::new(tls, tcp)), own)
}

impl Phone {
    pub fn new(transport: Transport, to: SocketAddr, certificate: &[u8]) -> Phone {
        if transport == Transport::Udp {
            let socket = UdpSocket::bind((to.ip(), 0)).unwrap();
            socket.connect(to).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            let address = socket.local_addr().unwrap();
            return Phone { wire: Wire::Udp(socket), address, transport };
        }
        let (stream, address) = stream(transport, to, certificate);
        let wire = match transport {
            Transport::Ws | Transport::Wss => {
                let mut request = "ws://localhost/".into_client_request().unwrap();
                request.headers_mut().insert("Sec-WebSocket-Protocol", "sip".parse().unwrap());
                let (socket, response) = tungstenite::client(request, stream).unwrap();
                assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "sip");
                Wire::WebSocket(Box::new(socket))
            }
            Transport::Udp | Transport::Tcp | Transport::Tls => Wire::Stream(stream),
        };
        Phone { wire, address, transport }
    }

    pub fn send(&mut self, message: &str) {
        let message = message.replace("SIP/2.0/UDP", &format!("SIP/2.0/{}", self.transport));
        match &mut self.wire {
            Wire::Udp(socket) => drop(socket.send(message.as_bytes()).unwrap()),
            Wire::Stream(stream) => stream.write_all(message.as_bytes()).unwrap(),
            Wire::WebSocket(socket) => socket.send(Message::text(message)).unwrap(),
        }
    }

    pub fn receive(&mut self) -> String {
        match &mut self.wire {
            Wire::Udp(socket) => {
                let mut room = [0; 65_535];
                let length = socket.recv(&mut room).expect("the proxy sends a datagram");
                String::from_utf8(room[..length].to_vec()).unwrap()
            }
            Wire::Stream(stream) => read_message(stream),
            Wire::WebSocket(socket) => loop {
                if let Message::Text(text) = socket.read().expect("the proxy sends a message") {
                    return text.to_string();
                }
            },
        }
    }

    /// Sends a request, answers its challenge and gives back what comes then.
    pub fn authenticated(&mut self, request: &str, user: &str) -> String {
        self.send(request);
        let to = To::Hop(Hop::new(self.transport, self.address));
        let challenged = Sent { to, bytes: self.receive().into() };
        self.send(&world::with_credentials(request, &challenged, user, &format!("{user}-demo")));
        self.receive()
    }

    pub fn register(&mut self, user: &str) {
        let aor = format!("{user}@tandem.local");
        let contact = format!("Contact: <sip:{user}@{}>\r\n", self.address);
        let register = world::request("REGISTER", "sip:tandem.local", &aor, &aor, &self.address.to_string(), &contact);
        let answer = self.authenticated(&register, user);
        assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
    }

    pub fn options(&self) -> String {
        let own = self.address.to_string();
        world::request("OPTIONS", "sip:tandem.local", "a@tandem.local", "a@tandem.local", &own, "")
    }
}
