//! JsSIP in headless Chromium: two telephones in one page register over WebSocket and call each other, media direct or through the
//! exchange; and one of them talks to a telephone of another kind.

use crate::TANDEM;
use crate::audio::tone;
use crate::baresip::{Encryption, Setup, Telephone};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;
use support::{Exchange, Program, Scratch, require};

/// Users whose media flows between the phones.
const DIRECT: &str = r#"
[[domain]]
name = "tandem.local"
media = "direct"
algorithms = ["SHA-256", "MD5"]
[[class]]
name = "internal"
allow = ["extensions", "services"]
[[user]]
name = "alice"
domain = "tandem.local"
password = "alice-demo"
extension = "6001"
class = "internal"
[[user]]
name = "bob"
domain = "tandem.local"
password = "bob-demo"
extension = "6002"
class = "internal"
"#;

/// The page and its script, bundled from the npm registry's JsSIP.
#[track_caller]
fn bundle(scratch: &Scratch) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/browser");
    let esbuild = folder.join("node_modules/.bin/esbuild");
    assert!(esbuild.exists(), "JsSIP is missing; install it with: npm ci --prefix tests/e2e/browser");
    let out = scratch.path().join("phone.js");
    let status = Command::new(esbuild)
        .arg(folder.join("phone.js"))
        .args(["--bundle", "--log-level=error"])
        .arg(format!("--outfile={}", out.display()))
        .status()
        .expect("esbuild runs");
    assert!(status.success(), "esbuild fails");
    std::fs::read(out).expect("the bundle is there")
}

/// Serves the page, and hands over what the page reports.
fn serve(listener: TcpListener, script: Vec<u8>, report: mpsc::Sender<String>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { return };
        if let Some(text) = answer(stream, &script)
            && report.send(text).is_err()
        {
            return;
        }
    }
}

fn answer(mut stream: TcpStream, script: &[u8]) -> Option<String> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).ok()?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (kind, content): (&str, &[u8]) = match first.split(' ').nth(1)? {
        "/phone.js" => ("text/javascript", script),
        path if path.starts_with("/?") => ("text/html", b"<!doctype html><script src=/phone.js></script>"),
        _ => ("text/plain", b""),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        content.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(content).ok()?;
    first.starts_with("POST").then(|| String::from_utf8_lossy(&body).into_owned())
}

/// A page with telephones in it, open in a browser.
struct Page {
    browser: Program,
    reported: mpsc::Receiver<String>,
    _scratch: Scratch,
}

impl Page {
    /// Opens it; `query` tells it what to do, `voice` in Hz is what its microphone hears.
    #[track_caller]
    fn open(exchange: &Exchange, scheme: &str, port: u16, query: &str, voice: u32) -> Page {
        let chromium = require("chromium", "apt-get install chromium");
        let scratch = Scratch::new();
        let script = bundle(&scratch);
        // Microphones are only given to pages of localhost or of HTTPS.
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let page_port = listener.local_addr().expect("a bound socket").port();
        let (report, reported) = mpsc::channel();
        std::thread::spawn(move || serve(listener, script, report));
        let page = format!(
            "http://localhost:{page_port}/?server={scheme}://{}:{port}&domain=tandem.local&{query}",
            exchange.address
        );
        let voice = scratch.write("voice.wav", tone(f64::from(voice), Duration::from_secs(20)));
        let mut command = Command::new(chromium);
        command
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"])
            .args(["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"])
            .args(["--ignore-certificate-errors", "--allow-loopback-in-peer-connection"])
            .args(["--disable-features=WebRtcHideLocalIpsWithMdns", "--autoplay-policy=no-user-gesture-required"])
            .args(["--enable-logging=stderr", "--remote-debugging-port=0"])
            .arg(format!("--use-file-for-fake-audio-capture={}", voice.display()))
            .arg(format!("--user-data-dir={}", scratch.path().join("profile").display()))
            .arg(page)
            // A browser in a test needs no home of its own.
            .env("HOME", scratch.path());
        let browser = Program::start("chromium", &mut command);
        Page { browser, reported, _scratch: scratch }
    }

    /// Waits for its next report.
    #[track_caller]
    fn report(&self) -> String {
        let report = self.reported.recv_timeout(Duration::from_secs(90));
        report.unwrap_or_else(|_| panic!("no report: {}", self.browser.output()))
    }

    #[track_caller]
    fn wait_until_ready(&self) {
        let report = self.report();
        assert_eq!(report, "", "it is ready");
    }

    #[track_caller]
    fn wait_until_passed(&self) {
        let report = self.report();
        assert!(report.contains(r#""outcome":"passed""#), "{report}\n{}", self.browser.output());
    }
}

#[track_caller]
fn two_browsers_talk(scheme: &str, port: u16, directory: &str) {
    let exchange = Exchange::start(TANDEM);
    let directory = exchange.scratch().write("directory.toml", directory);
    let (status, said) = exchange.tandem(&["apply", &directory.to_string_lossy()]);
    assert_eq!(status, 0, "{said}");
    Page::open(&exchange, scheme, port, "dial=6002", 440).wait_until_passed();
}

#[test]
fn two_browsers_talk_over_websocket() {
    two_browsers_talk("ws", 5066, DIRECT);
}

#[test]
fn two_browsers_talk_over_secure_websocket() {
    two_browsers_talk("wss", 5067, DIRECT);
}

#[test]
fn two_browsers_talk_through_the_exchange() {
    two_browsers_talk("wss", 5067, &DIRECT.replace("media = \"direct\"", "media = \"anchored\""));
}

const ALICES_VOICE: u32 = 440;
const BOBS_VOICE: u32 = 700;

fn bob(encryption: Encryption) -> Setup {
    Setup { user: "bob", transport: "udp", voice: BOBS_VOICE, encryption, codecs: "PCMA" }
}

#[test]
fn a_browser_calls_a_telephone_and_each_hears_the_other() {
    let exchange = Exchange::with_md5(TANDEM);
    let bob = Telephone::start(&exchange, &bob(Encryption::None));
    let page = Page::open(&exchange, "wss", 5067, &format!("role=caller&dial=6002&tone={BOBS_VOICE}"), ALICES_VOICE);
    page.wait_until_ready();
    page.wait_until_passed();
    bob.assert_heard(ALICES_VOICE);
}

#[test]
fn a_telephone_calls_a_browser_and_each_hears_the_other() {
    let exchange = Exchange::with_md5(TANDEM);
    let mut bob = Telephone::start(&exchange, &bob(Encryption::Mandatory));
    let page = Page::open(&exchange, "wss", 5067, &format!("role=callee&tone={BOBS_VOICE}"), ALICES_VOICE);
    page.wait_until_ready();
    bob.command("dial", "6001");
    bob.wait_for("Call established");
    std::thread::sleep(Duration::from_secs(6));
    bob.command("hangup", "");
    page.wait_until_passed();
    bob.assert_heard(ALICES_VOICE);
}

#[test]
fn a_telephone_without_a_codec_of_browsers_calls_one() {
    let exchange = Exchange::with_md5(TANDEM);
    let mut bob = Telephone::start(&exchange, &Setup { codecs: "GSM", ..bob(Encryption::None) });
    let page = Page::open(&exchange, "wss", 5067, &format!("role=callee&tone={BOBS_VOICE}"), ALICES_VOICE);
    page.wait_until_ready();
    bob.command("dial", "6001");
    bob.wait_for("Call established");
    std::thread::sleep(Duration::from_secs(8));
    bob.command("hangup", "");
    page.wait_until_passed();
    bob.assert_heard(ALICES_VOICE);
}
