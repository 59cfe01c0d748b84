//! streams: challenged REGISTERs over open TLS or WebSocket connections, and what they cost the server.
//!
//! One thread does closed-loop REGISTERs (401, then 200) on every connection, over users of its own for each; it looks at all
//! connections in turn, as siploader does at its socket, so that the server seldom has to wake anybody. The server's CPU time
//! comes from the operating system; the generator's own cost does not count.

use md5::{Digest, Md5};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

const USAGE: &str = "streams tcp|tls|ws|wss --server IP:PORT --domain D --pids P,P [--connections 64] [--users 10000] [--secs 5] [--user-prefix u] [--pass-prefix pw-]";

struct Options {
    transport: String,
    server: SocketAddr,
    domain: String,
    pids: Vec<i32>,
    connections: usize,
    users: usize,
    secs: u64,
    user_prefix: String,
    pass_prefix: String,
}

fn options() -> Option<Options> {
    let mut arguments = std::env::args().skip(1);
    let mut o = Options {
        transport: arguments.next()?,
        server: "127.0.0.1:5061".parse().ok()?,
        domain: "127.0.0.1".into(),
        pids: vec![],
        connections: 64,
        users: 10_000,
        secs: 5,
        user_prefix: "u".into(),
        pass_prefix: "pw-".into(),
    };
    while let Some(key) = arguments.next() {
        let value = arguments.next()?;
        match key.as_str() {
            "--server" => o.server = value.parse().ok()?,
            "--domain" => o.domain = value,
            "--pids" => o.pids = value.split(',').filter_map(|p| p.parse().ok()).collect(),
            "--connections" => o.connections = value.parse().ok()?,
            "--users" => o.users = value.parse().ok()?,
            "--secs" => o.secs = value.parse().ok()?,
            "--user-prefix" => o.user_prefix = value,
            "--pass-prefix" => o.pass_prefix = value,
            _ => return None,
        }
    }
    Some(o)
}

/// Any certificate will do: the server under test has one of its own making.
#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// One connection: bytes over TCP or TLS, or WebSocket messages over either.
enum Connection {
    Bytes(Box<dyn Stream>, Vec<u8>),
    Messages(Box<tungstenite::WebSocket<Box<dyn Stream>>>),
}

impl Connection {
    fn open(o: &Options, tcp: TcpStream) -> Connection {
        tcp.set_nodelay(true).expect("a TCP option");
        tcp.set_read_timeout(Some(Duration::from_secs(10))).expect("a TCP option");
        let stream: Box<dyn Stream> = if matches!(o.transport.as_str(), "tls" | "wss") {
            let config = ClientConfig::builder()
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyCertificate))
                .with_no_client_auth();
            let name = ServerName::try_from("localhost").expect("a name");
            Box::new(StreamOwned::new(ClientConnection::new(Arc::new(config), name).expect("a TLS client"), tcp))
        } else {
            Box::new(tcp)
        };
        if !matches!(o.transport.as_str(), "ws" | "wss") {
            return Connection::Bytes(stream, Vec::new());
        }
        use tungstenite::client::IntoClientRequest;
        let mut request = format!("ws://{}/", o.server).into_client_request().expect("a request");
        request.headers_mut().insert("Sec-WebSocket-Protocol", "sip".parse().expect("a header"));
        let (socket, _) = tungstenite::client::client(request, stream).unwrap_or_else(|e| panic!("no WebSocket: {e}"));
        Connection::Messages(Box::new(socket))
    }

    fn send(&mut self, message: &str) {
        match self {
            Connection::Messages(socket) => {
                socket.send(tungstenite::Message::text(message)).expect("the connection is open")
            }
            Connection::Bytes(stream, _) => {
                stream.write_all(message.as_bytes()).and_then(|()| stream.flush()).expect("the connection is open")
            }
        }
    }

    /// The next answer, of which something has arrived.
    fn read(&mut self) -> String {
        match self {
            Connection::Messages(socket) => loop {
                match socket.read().expect("the connection is open") {
                    tungstenite::Message::Text(text) => return text.to_string(),
                    tungstenite::Message::Binary(bytes) => return String::from_utf8_lossy(&bytes).into_owned(),
                    _ => {}
                }
            },
            Connection::Bytes(stream, pending) => {
                let mut buffer = [0; 4096];
                loop {
                    // Answers to REGISTER have no body: the empty line ends them.
                    if let Some(end) = pending.windows(4).position(|w| w == b"\r\n\r\n") {
                        let message = pending.drain(..end + 4).collect::<Vec<u8>>();
                        return String::from_utf8_lossy(&message).into_owned();
                    }
                    let n = stream.read(&mut buffer).expect("the connection is open");
                    assert!(n > 0, "the server closed the connection");
                    pending.extend_from_slice(&buffer[..n]);
                }
            }
        }
    }
}

fn hex(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

fn parameter<'a>(challenge: &'a str, key: &str) -> &'a str {
    let from = challenge.find(key).map_or("", |at| &challenge[at + key.len()..]);
    from.trim_start_matches("=\"").split('"').next().unwrap_or_default()
}

/// One connection and the REGISTER that is under way on it.
struct Phone {
    connection: Connection,
    /// Its users are every `connections`th from here on.
    number: usize,
    serial: usize,
    /// 1, or 2 once the challenge has been answered.
    cseq: u32,
}

/// How a REGISTER stands after an answer.
enum Step {
    Challenged,
    Ended { well: bool },
}

impl Phone {
    fn user(&self, o: &Options) -> String {
        let own = (o.users / o.connections).max(1);
        format!("{}{:06}", o.user_prefix, self.number + self.serial % own * o.connections)
    }

    fn send(&mut self, o: &Options, authorization: &str) {
        let Phone { serial, cseq, .. } = *self;
        let (user, domain, via) = (self.user(o), &o.domain, o.transport.to_uppercase());
        self.connection.send(&format!(
            "REGISTER sip:{domain} SIP/2.0\r\nVia: SIP/2.0/{via} load.invalid;branch=z9hG4bK{user}x{serial}x{cseq};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@{domain}>;tag=f{serial}\r\nTo: <sip:{user}@{domain}>\r\n\
             Call-ID: {user}-{serial}\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:{user}@load.invalid;transport={}>\r\n\
             Expires: 600\r\n{authorization}Content-Length: 0\r\n\r\n",
            via.to_lowercase()
        ));
    }

    /// Begins the next challenged REGISTER.
    fn begin(&mut self, o: &Options) {
        (self.serial, self.cseq) = (self.serial + 1, 1);
        self.send(o, "");
    }

    fn hear(&mut self, o: &Options) -> Step {
        let answer = self.connection.read();
        let challenge = answer.lines().find(|l| l.contains("Digest") && l.contains("MD5"));
        let (1, Some(line)) = (self.cseq, challenge) else {
            return Step::Ended { well: self.cseq == 2 && answer.starts_with("SIP/2.0 200") };
        };
        let (realm, nonce, uri) = (parameter(line, "realm"), parameter(line, "nonce"), format!("sip:{}", o.domain));
        let user = self.user(o);
        let ha1 = hex(&format!("{user}:{realm}:{}{user}", o.pass_prefix));
        let ha2 = hex(&format!("REGISTER:{uri}"));
        let response = hex(&format!("{ha1}:{nonce}:00000001:0a4f113b:auth:{ha2}"));
        self.cseq = 2;
        self.send(
            o,
            &format!(
                "Authorization: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
                 algorithm=MD5, qop=auth, nc=00000001, cnonce=\"0a4f113b\", response=\"{response}\"\r\n"
            ),
        );
        Step::Challenged
    }
}

fn ticks(pids: &[i32]) -> u64 {
    let of = |pid: &i32| -> Option<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
    };
    pids.iter().filter_map(of).sum()
}

fn main() {
    let Some(o) = options() else {
        eprintln!("{USAGE}");
        std::process::exit(2)
    };
    let mut phones = Vec::new();
    let mut watched = Vec::new();
    for number in 0..o.connections {
        let tcp = TcpStream::connect(o.server).expect("the server listens");
        watched.push(libc::pollfd { fd: tcp.as_raw_fd(), events: libc::POLLIN, revents: 0 });
        let mut phone = Phone { connection: Connection::open(&o, tcp), number, serial: 0, cseq: 1 };
        phone.begin(&o);
        phones.push(phone);
    }
    // Every user's binding is there before anything is counted.
    let (mut left, mut done, mut failed) = (o.users.max(o.connections), 0u64, 0u64);
    let mut counted = None;
    loop {
        // SAFETY: the descriptors are those of the phones, which live as long as the list.
        unsafe { libc::poll(watched.as_mut_ptr(), watched.len() as _, 1000) };
        for (phone, _) in phones.iter_mut().zip(&watched).filter(|(_, ready)| ready.revents != 0) {
            if let Step::Ended { well } = phone.hear(&o) {
                if well { done += 1 } else { failed += 1 }
                left = left.saturating_sub(1);
                phone.begin(&o);
            }
        }
        match counted {
            None if left == 0 => {
                (done, failed) = (0, 0);
                counted = Some((Instant::now(), ticks(&o.pids)));
            }
            Some((start, _)) if start.elapsed() >= Duration::from_secs(o.secs) => break,
            None | Some(_) => {}
        }
    }
    let (start, before) = counted.expect("the loop ends only after counting has begun");
    let cpu = (ticks(&o.pids) - before) as f64 / 100.0;
    println!(
        "register-{}: ok {done} failed {failed} rate {:.0}/s server-cpu {cpu:.2} s = {:.1} us/op over {} open connections",
        o.transport,
        done as f64 / start.elapsed().as_secs_f64(),
        cpu * 1e6 / done.max(1) as f64,
        o.connections
    );
    std::process::exit(i32::from(done == 0));
}
