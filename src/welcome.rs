//! What a newcomer needs to make the first call.

use crate::config::Config;
use proto::directory::Directory;
use serde::Deserialize;
use sip::digest::{Algorithm, Ha1};
use std::fmt::Write;
use std::net::SocketAddr;

/// The demo directory's users as its file has them; the running directory keeps hashes only.
#[derive(Deserialize)]
struct Demo {
    user: Vec<DemoUser>,
}

#[derive(Deserialize)]
struct DemoUser {
    name: String,
    domain: String,
    password: String,
    extension: String,
}

/// The welcome: where phones register, as whom, what to dial, and where to look.
pub fn text(config: &Config, directory: &Directory, console: SocketAddr) -> String {
    let mut text = String::from("\nTandem is ready.\n\n");
    let host = net::route_source([192, 0, 2, 1].into()).map_or_else(|_| "127.0.0.1".into(), |own| own.to_string());
    let _ = writeln!(text, "  Phones register at");
    for listen in &config.proxy.listen {
        let transport = listen.transport.to_string().to_lowercase();
        let shown = match listen.address.ip().is_unspecified() {
            true => host.clone(),
            false => listen.address.ip().to_string(),
        };
        let _ = writeln!(text, "    {transport:<4} {shown}:{}", listen.address.port());
    }
    let users = demo_users(directory);
    if !users.is_empty() {
        let _ = writeln!(text, "\n  {:<8} {:<14} {:<14} extension", "user", "password", "domain");
        for user in &users {
            let _ = writeln!(text, "  {:<8} {:<14} {:<14} {}", user.name, user.password, user.domain, user.extension);
        }
        let _ = writeln!(
            text,
            "\n  Dial {} from one phone to ring the other; 9999 is an echo, 9998 a prompt.",
            users[0].extension
        );
        for conference in directory.conferences() {
            let pin = conference.pin.as_ref().map(|pin| format!(", PIN {}", pin.0)).unwrap_or_default();
            let _ = writeln!(text, "  {} is the conference {}{pin}.", conference.number, conference.name);
        }
    }
    if directory.speaks()
        && let Some(why) = node::why_mute(&config.media.speech.command)
    {
        let _ = writeln!(text, "\n  Texts are not spoken: {why}. Until then callers hear a chime.");
    }
    let _ = writeln!(text, "\n  Console  http://{console}/\n  Metrics  http://{console}/metrics");
    let _ = writeln!(text, "  Change the directory with `tandem apply FILE`; stop with Ctrl-C.");
    text
}

/// The demo's users that are still there with the demo's passwords.
fn demo_users(directory: &Directory) -> Vec<DemoUser> {
    let demo: Demo = match toml::from_str(proto::directory::DEMO) {
        Ok(demo) => demo,
        Err(_) => return Vec::new(),
    };
    let unchanged = |user: &DemoUser| {
        let hash = Ha1::compute(Algorithm::Sha256, &user.name, &user.domain, &user.password);
        directory
            .user(&format!("{}@{}", user.name, user.domain))
            .is_some_and(|known| known.ha1(Algorithm::Sha256) == Some(hash))
    };
    demo.user.into_iter().filter(unchanged).collect()
}
