//! Sections about places, domains, hours and the dial plan.

use super::reader::{Kind, Table};
use super::values::{self, name, one_of, parsed};
use crate::directory::destination::{Destination, KINDS};
use crate::directory::model::{Class, Domain, Dtmf, Media, Number, Region, Schedule, Site, Srtp};
use crate::directory::pattern::Match;
use crate::directory::plan::{EXTENSIONS, SERVICES};
use sip::digest::Algorithm;
use std::str::FromStr;
use toml::de::DeValue;

/// Reads and declares the name of a section.
pub fn own_name(table: &Table<'_>, kind: Kind, good: &str) -> Option<Box<str>> {
    let name = table.required("name", good, name)?;
    table.declare(kind, &name, "name");
    Some(name)
}

/// Reads a key that holds the name of something else.
pub fn reference(table: &Table<'_>, key: &'static str, kind: Kind, good: &str) -> Option<Box<str>> {
    let name = table.optional(key, good, name)?;
    table.refer(kind, &name, key, table.place_of(key));
    Some(name)
}

/// `[[region]]`
pub fn region(table: &Table<'_>) -> Option<Region> {
    let name = own_name(table, Kind::Region, "\"paris\"");
    let language = table.optional("language", "\"fr\"", values::language);
    let networks = table.list("networks", "\"10.0.0.0/8\"", parsed);
    let prefixes = table.list("prefixes", "\"+33\"", values::digits);
    let tones = table.optional("tones", "\"fr\"", values::country);
    Some(Region { name: name?, language, networks, prefixes, tones })
}

/// `[[site]]`
pub fn site(table: &Table<'_>) -> Option<Site> {
    let name = own_name(table, Kind::Site, "\"siege\"");
    let region = reference(table, "region", Kind::Region, "\"paris\"");
    let networks = table.list("networks", "\"10.1.0.0/16\"", parsed);
    let prefix = table.optional("prefix", "\"81\"", values::digits);
    let caller_id = table.optional("caller_id", "\"+33140000000\"", values::digits);
    Some(Site { name: name?, region, networks, prefix, caller_id })
}

/// The words for the media's way.
pub const MEDIA: [(&str, Media); 2] = [("anchored", Media::Anchored), ("direct", Media::Direct)];

/// The words for encrypted media.
pub const SRTP: [(&str, Srtp); 3] = [("off", Srtp::Off), ("offer", Srtp::Offer), ("required", Srtp::Required)];

/// The words for keys.
pub const DTMF: [(&str, Dtmf); 3] = [("auto", Dtmf::Auto), ("inband", Dtmf::Inband), ("info", Dtmf::Info)];

/// Codecs that a phone or a trunk may be told to use; AMR passes between two that have it.
const CODECS: [&str; 10] = ["opus", "G722", "PCMA", "PCMU", "G729", "iLBC", "GSM", "L16", "AMR", "AMR-WB"];

/// `codecs = ["opus", "PCMA"]`
pub fn codecs(table: &Table<'_>) -> Vec<Box<str>> {
    let codecs = table.list("codecs", "\"PCMA\"", one_of(&CODECS.map(|codec| (codec, codec))));
    codecs.into_iter().map(Into::into).collect()
}

/// `[[domain]]`
pub fn domain(table: &Table<'_>) -> Option<Domain> {
    let name = table.required("name", "\"tandem.local\"", values::host);
    let aliases = table.list("aliases", "\"localhost\"", values::host);
    for host in name.iter() {
        table.declare(Kind::Domain, host, "name");
    }
    for host in &aliases {
        table.declare(Kind::Domain, host, "aliases");
    }
    let media = table.optional("media", "\"anchored\"", one_of(&MEDIA)).unwrap_or_default();
    let srtp = table.optional("srtp", "\"required\"", one_of(&SRTP)).unwrap_or_default();
    let codecs = codecs(table);
    let dtmf = table.optional("dtmf", "\"info\"", one_of(&DTMF)).unwrap_or_default();
    let known = [("SHA-256", Algorithm::Sha256), ("MD5", Algorithm::Md5)];
    let mut algorithms = table.list("algorithms", "\"SHA-256\"", one_of(&known));
    if algorithms.is_empty() {
        algorithms = known.map(|(_, algorithm)| algorithm).into();
    }
    if algorithms.len() > 1 && algorithms[0] == algorithms[1] || algorithms.len() > 2 {
        table.problem("algorithms", table.place_of("algorithms"), "names an algorithm twice");
    }
    let class = reference(table, "class", Kind::Class, "\"internal\"");
    Some(Domain { name: name?, aliases, media, srtp, codecs, dtmf, algorithms, class })
}

/// `[[schedule]]`
pub fn schedule(table: &Table<'_>) -> Option<Schedule> {
    let name = own_name(table, Kind::Schedule, "\"office\"");
    let zone = table.required("zone", "\"Europe/Paris\"", values::zone);
    let open = table.required_list("open", "\"mon-fri 09:00-18:00\"", parsed);
    let closed = table.list("closed", "\"2026-12-25\"", parsed);
    Some(Schedule { name: name?, zone: zone?, open, closed })
}

/// `[[class]]`
pub fn class(table: &Table<'_>) -> Option<Class> {
    let name = own_name(table, Kind::Class, "\"internal\"");
    let allow: Vec<Box<str>> = table.required_list("allow", "\"extensions\"", values::name);
    for group in &allow {
        table.refer(Kind::Group, group, "allow", table.place_of("allow"));
    }
    Some(Class { name: name?, allow })
}

/// Groups that exist without a number.
pub const GROUPS: [&str; 3] = [EXTENSIONS, SERVICES, "emergency"];

/// `[[number]]`
pub fn number(table: &Table<'_>) -> Option<Number> {
    let pattern: Option<Match> = table.required("match", "\"6003\"", parsed);
    if let Some(pattern) = &pattern {
        table.declare_by_id(Kind::Number, (&pattern.meaning(), &pattern.to_string()), "match");
    }
    let to = destination(table, "to", "\"menu:welcome\"", Presence::Required, Owner::None);
    let rewrite = table.optional("rewrite", "\"+33{number:1}\"", parsed);
    let group = table.required("group", "\"services\"", values::name);
    Some(Number { pattern: pattern?, to: to?, rewrite, group: group? })
}

/// Whether a key must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Required,
    Optional,
}

/// Whether there is someone whose voicemail box a plain `voicemail` is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    User,
    None,
}

/// Reads where a call goes, and notes the names in it.
pub fn destination(
    table: &Table<'_>,
    key: &'static str,
    good: &str,
    presence: Presence,
    owner: Owner,
) -> Option<Destination> {
    let parse = |value: &DeValue<'_>| parse_destination(value, owner);
    let to = match presence {
        Presence::Required => table.required(key, good, parse),
        Presence::Optional => table.optional(key, good, parse),
    }?;
    refer_to(table, &to, key, table.place_of(key));
    Some(to)
}

/// A destination's text.
pub fn parse_destination(value: &DeValue<'_>, owner: Owner) -> Result<Destination, String> {
    let text = values::text(value)?;
    match Destination::from_str(text) {
        Ok(Destination::Play(file)) => values::check_sound(&file).map(|()| Destination::Play(file.clone())),
        Ok(Destination::OwnVoicemail) if owner == Owner::None => Err("names no voicemail box here".into()),
        Ok(to) => Ok(to),
        Err(why) => {
            let kind = text.split(':').next().unwrap_or_default();
            Err(match super::suggest::nearest(kind, KINDS.into_iter()) {
                Some(near) if near != kind => format!("{why}; did you mean \"{near}\"?"),
                Some(_) | None => why.to_string(),
            })
        }
    }
}

/// Notes the names in a destination.
pub fn refer_to(table: &Table<'_>, to: &Destination, key: &str, place: super::reader::Place) {
    let (kind, name) = match to {
        Destination::Menu(menu) => (Kind::Menu, &**menu),
        Destination::Queue(queue) => (Kind::Queue, &**queue),
        Destination::Conference(conference) => (Kind::Conference, &**conference),
        Destination::Parking(lot) => (Kind::Parking, &**lot),
        Destination::Trunk(trunk) => (Kind::Trunk, &**trunk),
        Destination::User(user) => match user.fixed() {
            Some(user) => (Kind::User, user),
            None => return,
        },
        Destination::Voicemail(owner) => match owner.fixed() {
            Some(owner) => (Kind::Voicemail, owner),
            None => return,
        },
        Destination::Say(_) => return table.speak(key, place),
        Destination::Echo | Destination::Play(_) | Destination::Hangup | Destination::OwnVoicemail => return,
    };
    table.refer(kind, name, key, place);
}
