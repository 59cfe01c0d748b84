//! Sections about services and trunks.

use super::places::{Owner, Presence, SRTP, codecs, destination, own_name, parse_destination, refer_to, reference};
use super::reader::{Kind, Table};
use super::values::{self, boolean, integer, one_of, parsed, some_text, span};
use crate::directory::destination::Destination;
use crate::directory::model::{
    Announcements, Conference, Features, Inbound, Menu, Music, Parking, Peer, PeerTransport, Priority, Prompt, Queue,
    QueueMember, Registration, SharedBox, Slots, Srtp, Strategy, Trunk, VoicemailBox,
};
use crate::directory::pattern::Match;
use crate::directory::text::{Secret, Span};
use std::collections::BTreeMap;
use std::time::Duration;

const GOOD_PROMPT: &str = "{ say = \"Bonjour\" }";

/// `{ say = "Bonjour" }` or `{ play = "welcome.wav" }`
fn prompt(table: &Table<'_>, key: &'static str) -> Option<Prompt> {
    table.nested(key, GOOD_PROMPT, |inner| {
        let say = inner.optional("say", "\"Bonjour\"", some_text);
        let play = inner.optional("play", "\"welcome.wav\"", values::sound);
        if say.is_some() {
            inner.speak("say", inner.place_of("say"));
        }
        match (say, play) {
            (Some(text), None) => Some(Prompt::Say(text)),
            (None, Some(file)) => Some(Prompt::Play(file)),
            (None, None) | (Some(_), Some(_)) => {
                table.problem(key, inner.place, format!("needs either say or play; for example {key} = {GOOD_PROMPT}"));
                None
            }
        }
    })
}

const MINUTES: u64 = 60;

/// `[[menu]]`
pub fn menu(table: &Table<'_>) -> Option<Menu> {
    let name = own_name(table, Kind::Menu, "\"welcome\"");
    let greeting = prompt(table, "greeting");
    if table.is_missing("greeting") {
        table.report_missing("greeting", GOOD_PROMPT);
    }
    let timeout = table.optional("timeout", "\"5s\"", span(1..=MINUTES)).unwrap_or(Span(Duration::from_secs(5)));
    let tries = table.optional("tries", "3", integer(1..=20)).unwrap_or(3);
    let keys = table.nested("keys", "{ 1 = \"user:bob\" }", menu_keys).unwrap_or_default();
    let invalid = prompt(table, "invalid");
    let on_timeout = prompt(table, "on_timeout");
    let otherwise = destination(table, "otherwise", "\"hangup\"", Presence::Optional, Owner::None);
    let otherwise = otherwise.unwrap_or(Destination::Hangup);
    Some(Menu { name: name?, greeting: greeting?, timeout, tries, keys, invalid, on_timeout, otherwise })
}

fn menu_keys(table: &Table<'_>) -> Option<BTreeMap<char, Destination>> {
    let mut keys = BTreeMap::new();
    for (key, value, place) in table.entries() {
        let mut characters = key.chars();
        let (Some(digit @ ('0'..='9' | '*' | '#')), None) = (characters.next(), characters.next()) else {
            table.problem(key, place, "is no key of a phone; there are 0-9, \"*\" and \"#\"");
            continue;
        };
        match parse_destination(value, Owner::None) {
            Ok(to) => {
                refer_to(table, &to, key, place);
                keys.insert(digit, to);
            }
            Err(why) => table.problem(key, place, format!("its value {why}; for example {key} = \"user:bob\"")),
        }
    }
    Some(keys)
}

/// `[[queue]]`
pub fn queue(table: &Table<'_>) -> Option<Queue> {
    let name = own_name(table, Kind::Queue, "\"support\"");
    let members = table.each("members", "{ user = \"alice\" }", |member| {
        let user = member.required("user", "\"alice\"", some_text);
        if let Some(user) = &user {
            member.refer(Kind::Member, user, "user", member.place_of("user"));
        }
        let penalty = member.optional("penalty", "0", integer(0..=1000)).unwrap_or(0);
        let skills = member.list("skills", "\"fr\"", values::name);
        Some(QueueMember { user: user?, penalty, skills })
    });
    let strategies = [
        ("longest-idle", Strategy::LongestIdle),
        ("ring-all", Strategy::RingAll),
        ("round-robin", Strategy::RoundRobin),
        ("fewest-calls", Strategy::FewestCalls),
        ("random", Strategy::Random),
        ("linear", Strategy::Linear),
    ];
    let strategy = table.optional("strategy", "\"longest-idle\"", one_of(&strategies)).unwrap_or(Strategy::LongestIdle);
    let priority = table.each("priority", "{ when = \"site:siege\", value = 5 }", |rule| {
        let when = rule.required("when", "\"site:siege\"", some_text);
        if let Some(when) = &when {
            condition(rule, when);
        }
        let value = rule.required("value", "5", integer(-1000..=1000));
        Some(Priority { when: when?, value: value? })
    });
    let music = reference(table, "music", Kind::Music, "\"default\"");
    let announce = table.nested("announce", "{ position = \"30s\" }", |announce| {
        let position = announce.optional("position", "\"30s\"", span(5..=60 * MINUTES));
        let wait = announce.optional("wait", "true", boolean).unwrap_or(false);
        Some(Announcements { position, wait })
    });
    let max_wait = table.optional("max_wait", "\"5m\"", span(1..=24 * 60 * MINUTES));
    let overflow = destination(table, "overflow", "\"voicemail:support\"", Presence::Optional, Owner::None);
    let wrap_up = table.optional("wrap_up", "\"10s\"", span(0..=60 * MINUTES));
    let hours = reference(table, "hours", Kind::Schedule, "\"office\"");
    let closed = prompt(table, "closed");
    let placement: Vec<Box<str>> = table.list("placement", "\"paris\"", values::name);
    for region in &placement {
        table.refer(Kind::Region, region, "placement", table.place_of("placement"));
    }
    Some(Queue {
        name: name?,
        members,
        strategy,
        priority,
        music,
        announce,
        max_wait,
        overflow,
        wrap_up,
        hours,
        closed,
        placement,
    })
}

/// `site:siege`: where a caller comes from.
fn condition(table: &Table<'_>, when: &str) {
    let kinds = [Kind::Site, Kind::Region, Kind::Class, Kind::Trunk];
    let found =
        when.split_once(':').and_then(|(word, name)| Some((kinds.into_iter().find(|kind| kind.word() == word)?, name)));
    match found {
        Some((kind, name)) => table.refer(kind, name, "when", table.place_of("when")),
        None => {
            let message =
                format!("{when:?} is no condition; for example when = \"site:siege\", or region:, class:, trunk:");
            table.problem("when", table.place_of("when"), message);
        }
    }
}

/// The number of a service, which no `[[number]]` may have.
fn service_number(table: &Table<'_>, presence: Presence, good: &str) -> Option<Box<str>> {
    let number = match presence {
        Presence::Required => table.required("number", good, values::extension),
        Presence::Optional => table.optional("number", good, values::extension),
    }?;
    table.declare(Kind::Number, &number, "number");
    Some(number)
}

/// `[[conference]]`
pub fn conference(table: &Table<'_>) -> Option<Conference> {
    let name = own_name(table, Kind::Conference, "\"standup\"");
    let number = service_number(table, Presence::Required, "\"8000\"");
    let pin = table.optional("pin", "\"4321\"", values::pin);
    let record = table.optional("record", "false", boolean).unwrap_or(false);
    Some(Conference { name: name?, number: number?, pin, record })
}

/// The PIN and address of a voicemail box.
pub fn messages(table: &Table<'_>) -> Option<VoicemailBox> {
    let pin = table.required("pin", "\"1234\"", values::pin);
    let email = table.optional("email", "\"alice@example.org\"", values::email);
    Some(VoicemailBox { pin: pin?, email })
}

/// `[[voicemail]]`
pub fn shared_box(table: &Table<'_>) -> Option<SharedBox> {
    let name = own_name(table, Kind::Voicemail, "\"support\"");
    let number = service_number(table, Presence::Optional, "\"6099\"");
    let messages = messages(table);
    Some(SharedBox { name: name?, number, messages: messages? })
}

/// `[[parking]]`
pub fn parking(table: &Table<'_>) -> Option<Parking> {
    let name = own_name(table, Kind::Parking, "\"lot\"");
    let number = service_number(table, Presence::Required, "\"700\"");
    let slots: Option<Slots> = table.required("slots", "\"701-720\"", parsed);
    for slot in slots.iter().flat_map(|slots| slots.from..=slots.to) {
        table.declare(Kind::Number, &slot.to_string(), "slots");
    }
    let timeout = table.optional("timeout", "\"45s\"", span(5..=60 * MINUTES)).unwrap_or(Span(Duration::from_secs(45)));
    Some(Parking { name: name?, number: number?, slots: slots?, timeout })
}

/// `[features]`
pub fn features(table: &Table<'_>) -> Features {
    let mut taken: Vec<(&'static str, Box<str>)> = Vec::new();
    let mut code = |key: &'static str, good: &str| {
        let code = table.optional(key, good, values::key_code)?;
        match taken.iter().find(|(_, other)| code.starts_with(&**other) || other.starts_with(&*code)) {
            Some((other, _)) => {
                let message = format!("\"{code}\" begins as {other} does, so that one of them is never heard");
                table.problem(key, table.place_of(key), message);
            }
            None => taken.push((key, code.clone())),
        }
        Some(code)
    };
    // Transfer by "#" alone and parking by "#72" do not exclude each other: what follows in time decides.
    let blind_transfer = table.optional("blind_transfer", "\"#\"", values::key_code);
    Features {
        blind_transfer,
        attended_transfer: code("attended_transfer", "\"*2\""),
        record: code("record", "\"*3\""),
        park: code("park", "\"#72\""),
        pickup: code("pickup", "\"*8\""),
    }
}

/// `[[music]]`
pub fn music(table: &Table<'_>) -> Option<Music> {
    let name = own_name(table, Kind::Music, "\"default\"");
    let files = table.required_list("files", "\"builtin:morning\"", values::sound);
    Some(Music { name: name?, files })
}

/// `[[trunk]]`
pub fn trunk(table: &Table<'_>) -> Option<Trunk> {
    let name = own_name(table, Kind::Trunk, "\"carrier\"");
    let domain = table.required("domain", "\"sip.carrier.example\"", values::host);
    let transports = [("udp", PeerTransport::Udp), ("tcp", PeerTransport::Tcp), ("tls", PeerTransport::Tls)];
    let peers = table.each("peers", "{ host = \"203.0.113.10\" }", |peer| {
        let host = peer.required("host", "\"203.0.113.10\"", values::host);
        let port = peer.optional("port", "5060", integer(1..=65_535));
        let transport = peer.optional("transport", "\"tls\"", one_of(&transports)).unwrap_or(PeerTransport::Udp);
        let weight = peer.optional("weight", "10", integer(0..=1000)).unwrap_or(1);
        Some(Peer { host: host?, port, transport, weight })
    });
    let from = table.list("from", "\"203.0.113.0/24\"", parsed);
    let register = table.nested("register", "{ user = \"acct\", password = \"secret\" }", |register| {
        let user = register.required("user", "\"acct\"", some_text);
        let password = register.required("password", "\"secret\"", some_text);
        Some(Registration { user: user?, password: Secret(password?) })
    });
    let codecs = codecs(table);
    let srtp = table.optional("srtp", "\"required\"", one_of(&SRTP)).unwrap_or(Srtp::Off);
    let channels = table.optional("channels", "30", integer(1..=1_000_000));
    let inbound = table.each("inbound", "{ match = \"+33140000000\", to = \"menu:welcome\" }", |rule| {
        let pattern: Option<Match> = rule.required("match", "\"+33140000000\"", parsed);
        let to = destination(rule, "to", "\"menu:welcome\"", Presence::Required, Owner::None);
        Some(Inbound { pattern: pattern?, to: to? })
    });
    Some(Trunk { name: name?, domain: domain?, peers, from, register, codecs, srtp, channels, inbound })
}
