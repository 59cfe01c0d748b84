//! Handshakes with OpenSSL, by DTLS 1.2, which is all that it has: on loopback, each side in each role, the exported keys
//! compared.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dtls::{Event, Failure, Fingerprint, Handshake, Identity, LONGEST, Role};
use srtp::{MasterKey, Suite};
use support::{Program, Scratch, require};

const LIMIT: Duration = Duration::from_secs(20);

/// Profiles as OpenSSL names them, the suite that follows, bytes that its exporter gives.
const PROFILES: [(&str, Suite, usize); 4] = [
    ("SRTP_AES128_CM_SHA1_80", Suite::AesCm128HmacSha1_80, 60),
    ("SRTP_AEAD_AES_128_GCM", Suite::AeadAes128Gcm, 56),
    ("SRTP_AEAD_AES_256_GCM", Suite::AeadAes256Gcm, 88),
    ("SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM", Suite::AeadAes256Gcm, 88),
];

/// A running OpenSSL with a certificate of its own.
struct Openssl {
    program: Program,
    fingerprint: Fingerprint,
    _scratch: Scratch,
}

impl Openssl {
    /// `s_client` or `s_server` with these arguments behind those that all tests share.
    fn start(command: &str, curve: &str, arguments: &[&str]) -> Openssl {
        let openssl = require("openssl", "apt-get install openssl");
        let scratch = Scratch::new();
        let (key, certificate) = (scratch.path().join("key.pem"), scratch.path().join("certificate.pem"));
        let made = Command::new(&openssl)
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", &format!("ec_paramgen_curve:{curve}"), "-nodes"])
            .args(["-subj", "/CN=peer", "-days", "30", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .expect("openssl starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let fingerprint = fingerprint(&openssl, &certificate);
        let mut program = Command::new(&openssl);
        program.args([command, "-dtls1_2", "-keymatexport", "EXTRACTOR-dtls_srtp"]).args(arguments);
        program.arg("-cert").arg(&certificate).arg("-key").arg(&key);
        Openssl { program: Program::start(command, &mut program), fingerprint, _scratch: scratch }
    }

    /// What its exporter gave.
    fn keys(&mut self) -> Vec<u8> {
        const BEFORE: &str = "Keying material: ";
        self.program.wait_for_output(BEFORE, LIMIT);
        let end = Instant::now() + LIMIT;
        loop {
            let output = self.program.output();
            let line = output.split(BEFORE).nth(1).and_then(|rest| rest.split_once('\n'));
            if let Some((hex, _)) = line {
                let hex = hex.trim().as_bytes();
                return hex.chunks(2).map(|pair| byte(std::str::from_utf8(pair).expect("hexadecimal"))).collect();
            }
            assert!(Instant::now() < end, "{output}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// As OpenSSL computes it, by SHA-512 so that not only our own hash is tried.
fn fingerprint(openssl: &Path, certificate: &Path) -> Fingerprint {
    let output =
        Command::new(openssl).args(["x509", "-noout", "-fingerprint", "-sha512", "-in"]).arg(certificate).output();
    let output = String::from_utf8(output.expect("openssl starts").stdout).expect("text");
    let (_, bytes) = output.trim().split_once('=').expect("a fingerprint");
    Fingerprint::parse(&format!("sha-512 {bytes}")).expect("a valid fingerprint")
}

fn byte(hex: &str) -> u8 {
    u8::from_str_radix(hex, 16).expect("hexadecimal")
}

/// Ours on a socket.
struct Ours {
    handshake: Handshake,
    socket: UdpSocket,
    peer: Option<SocketAddr>,
}

impl Ours {
    /// Runs it until there is an event.
    fn event(&mut self) -> Event {
        let end = Instant::now() + LIMIT;
        let mut room = [0; LONGEST];
        while Instant::now() < end {
            while let Some(datagram) = self.handshake.poll_transmit() {
                let peer = self.peer.expect("the passive side has heard its peer");
                // A program that is starting or ending may not listen.
                let _ = self.socket.send_to(&datagram, peer);
            }
            if let Some(event) = self.handshake.poll_event() {
                return event;
            }
            let wait = self.handshake.poll_timeout().map_or(LIMIT, |at| at.saturating_duration_since(Instant::now()));
            let wait = wait.clamp(Duration::from_millis(1), Duration::from_millis(100));
            self.socket.set_read_timeout(Some(wait)).expect("a socket has a timeout");
            match self.socket.recv_from(&mut room) {
                Ok((length, from)) => {
                    self.peer = Some(from);
                    self.handshake.handle_datagram(Instant::now(), &room[..length]);
                }
                Err(_) => self.handshake.handle_timeout(Instant::now()),
            }
        }
        panic!("nothing happens in {LIMIT:?}: {:?}", self.handshake);
    }
}

fn bind() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").expect("loopback has ports")
}

/// A port that is free.
fn free_port() -> u16 {
    bind().local_addr().expect("it is bound").port()
}

fn identity() -> Arc<Identity> {
    Arc::new(Identity::generate().expect("the system gives randomness"))
}

/// We as client of an `s_server`; with its fingerprint, or another.
fn against_server(arguments: &[&str], curve: &str, expected: Option<Fingerprint>) -> (Ours, Openssl) {
    let port = free_port();
    let accept = format!("127.0.0.1:{port}");
    let mut openssl = Openssl::start("s_server", curve, &[&["-accept", &accept, "-Verify", "1"], arguments].concat());
    openssl.program.wait_for_output("ACCEPT", LIMIT);
    let expected = expected.unwrap_or_else(|| openssl.fingerprint.clone());
    let handshake = Handshake::new(&identity(), Role::Active, expected, Instant::now());
    let peer = Some(SocketAddr::from(([127, 0, 0, 1], port)));
    (Ours { handshake, socket: bind(), peer }, openssl)
}

/// We as server of an `s_client`.
fn against_client(arguments: &[&str], curve: &str, expected: Option<Fingerprint>) -> (Ours, Openssl) {
    let socket = bind();
    let connect = socket.local_addr().expect("it is bound").to_string();
    let openssl = Openssl::start("s_client", curve, &[&["-connect", &connect], arguments].concat());
    let expected = expected.unwrap_or_else(|| openssl.fingerprint.clone());
    let handshake = Handshake::new(&identity(), Role::Passive, expected, Instant::now());
    (Ours { handshake, socket, peer: None }, openssl)
}

/// The keys of both sides from the exporter's bytes (RFC 5764 §4.2).
fn compare(event: &Event, role: Role, suite: Suite, exported: &[u8]) {
    let Event::Keys { inbound, outbound } = event else { panic!("{event:?}") };
    let (client, server) = match role {
        Role::Active => (outbound, inbound),
        Role::Passive => (inbound, outbound),
    };
    let all = |keys: fn(&MasterKey) -> &[u8], salts: fn(&MasterKey) -> &[u8]| {
        [keys(client), keys(server), salts(client), salts(server)].concat()
    };
    assert_eq!((client.suite(), server.suite()), (suite, suite));
    assert!(all(MasterKey::key, MasterKey::salt) == exported, "OpenSSL has other keys");
}

#[test]
fn as_client_of_openssl_we_have_its_keys() {
    // The server chooses, OpenSSL by its own order.
    for (profiles, suite, length) in PROFILES.into_iter().take(3) {
        let arguments = ["-use_srtp", profiles, "-keymatexportlen", &length.to_string()];
        let (mut ours, mut openssl) = against_server(&arguments, "P-256", None);
        let event = ours.event();
        compare(&event, Role::Active, suite, &openssl.keys());
    }
}

#[test]
fn as_server_of_openssl_we_have_its_keys_and_hear_it_close() {
    for (profiles, suite, length) in PROFILES {
        let arguments = ["-use_srtp", profiles, "-keymatexportlen", &length.to_string()];
        let (mut ours, mut openssl) = against_client(&arguments, "P-384", None);
        let event = ours.event();
        while let Some(datagram) = ours.handshake.poll_transmit() {
            let peer = ours.peer.expect("it has spoken");
            ours.socket.send_to(&datagram, peer).expect("loopback takes datagrams");
        }
        compare(&event, Role::Passive, suite, &openssl.keys());
        openssl.program.write("Q\n");
        assert_eq!(ours.event(), Event::Closed);
    }
}

#[test]
fn openssl_with_another_certificate_gets_no_keys_and_is_told() {
    let another = || Some(identity().fingerprint().clone());
    let arguments = ["-use_srtp", "SRTP_AES128_CM_SHA1_80"];
    for (mut ours, mut openssl) in
        [against_server(&arguments, "P-256", another()), against_client(&arguments, "P-256", another())]
    {
        assert_eq!(ours.event(), Event::Failed(Failure::WrongCertificate));
        while let Some(datagram) = ours.handshake.poll_transmit() {
            let peer = ours.peer.expect("it has spoken");
            ours.socket.send_to(&datagram, peer).expect("loopback takes datagrams");
        }
        openssl.program.wait_for_output("alert bad certificate", LIMIT);
    }
}

#[test]
fn openssl_without_srtp_fails() {
    for (mut ours, _openssl) in [against_server(&[], "P-256", None), against_client(&[], "P-256", None)] {
        assert_eq!(ours.event(), Event::Failed(Failure::NoCommonProfile));
    }
}

#[test]
fn openssl_hears_us_close() {
    let (mut ours, mut openssl) = against_server(&["-use_srtp", "SRTP_AES128_CM_SHA1_80"], "P-256", None);
    assert!(matches!(ours.event(), Event::Keys { .. }));
    ours.handshake.close(Instant::now());
    assert_eq!(ours.event(), Event::Closed);
    openssl.program.wait_for_output("DONE", LIMIT);
}
