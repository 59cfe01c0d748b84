//! The section `[[user]]`.

use super::places::{DTMF, MEDIA, Owner, Presence, SRTP, codecs, destination, reference};
use super::reader::{Kind, Place, Table};
use super::services::messages;
use super::values::{self, integer, one_of, some_text, span};
use crate::directory::model::{Forward, Media, Recording};
use crate::directory::user::{Contacts, DEFAULT_CONTACTS, DEFAULT_RING, Hashes, Rare, WhenFull};
use std::time::Duration;

/// A user as a file gives it.
#[derive(Debug, Clone)]
pub struct SourceUser {
    pub place: Place,
    pub name: Box<str>,
    pub domain: Box<str>,
    pub hashes: Hashes,
    pub extension: Option<Box<str>>,
    pub caller_id: Option<Box<str>>,
    pub class: Option<Box<str>>,
    pub site: Option<Box<str>>,
    pub ring: Duration,
    pub contacts: Contacts,
    pub media: Option<Media>,
    pub rare: Rare,
}

/// `[[user]]`; the password is hashed at once and not kept.
pub fn user(table: &Table<'_>) -> Option<SourceUser> {
    let name = table.required("name", "\"carol\"", values::user_name);
    let domain = table.required("domain", "\"tandem.local\"", values::host);
    if let (Some(name), Some(domain)) = (&name, &domain) {
        table.declare(Kind::User, &format!("{name}@{domain}"), "name");
        table.refer(Kind::Domain, domain, "domain", table.place_of("domain"));
    }
    let password = table.required("password", "\"a long one\"", some_text);
    let extension = table.optional("extension", "\"6001\"", values::extension);
    if let (Some(extension), Some(domain)) = (&extension, &domain) {
        table.declare(Kind::Extension, &format!("{extension}@{domain}"), "extension");
    }
    let caller_id = table.optional("caller_id", "\"Alice Martin <6001>\"", values::caller_id);
    let site = reference(table, "site", Kind::Site, "\"siege\"");
    let language = table.optional("language", "\"fr\"", values::language);
    let class = reference(table, "class", Kind::Class, "\"internal\"");
    let contacts = contacts(table);
    let ring = table.optional("ring", "\"10s\"", span(1..=600)).map_or(DEFAULT_RING, |ring| ring.0);
    let media = table.optional("media", "\"direct\"", one_of(&MEDIA));
    let srtp = table.optional("srtp", "\"required\"", one_of(&SRTP));
    let codecs = codecs(table);
    let dtmf = table.optional("dtmf", "\"info\"", one_of(&DTMF));
    let voicemail = table.nested("voicemail", "{ pin = \"1234\" }", messages);
    let forward = table.nested("forward", "{ busy = \"voicemail\" }", |forward| {
        let to = |key| destination(forward, key, "\"voicemail\"", Presence::Optional, Owner::User);
        Some(Forward { busy: to("busy"), no_answer: to("no_answer"), offline: to("offline") })
    });
    let recordings = [("never", Recording::Never), ("on-demand", Recording::OnDemand), ("always", Recording::Always)];
    let record = table.optional("record", "\"on-demand\"", one_of(&recordings)).unwrap_or_default();
    let (name, domain) = (name?, domain?);
    Some(SourceUser {
        place: table.place,
        hashes: Hashes::of(&name, &domain, &password?),
        name,
        domain,
        extension,
        caller_id,
        class,
        site,
        ring,
        contacts,
        media,
        rare: Rare { language, srtp, codecs, dtmf, voicemail, forward: forward.unwrap_or_default(), record },
    })
}

/// `10`, `"refuse"` or `{ limit = 2, full = "refuse" }`.
fn contacts(table: &Table<'_>) -> Contacts {
    const KEY: &str = "contacts";
    const GOOD: &str = "{ limit = 2, full = \"refuse\" }";
    let full = [("oldest", WhenFull::OldestGoes), ("refuse", WhenFull::Refuse)];
    let contacts = if table.is_table(KEY) {
        table.nested(KEY, GOOD, |contacts| {
            let limit = contacts.optional("limit", "2", integer(1..=100)).unwrap_or(DEFAULT_CONTACTS.limit);
            let when_full = contacts.optional("full", "\"refuse\"", one_of(&full)).unwrap_or(WhenFull::OldestGoes);
            Some(Contacts { limit, when_full })
        })
    } else {
        table.optional(KEY, GOOD, |value| match value.as_str() {
            Some(_) => one_of(&full)(value).map(|when_full| Contacts { when_full, ..DEFAULT_CONTACTS }),
            None => integer(1..=100)(value).map(|limit| Contacts { limit, ..DEFAULT_CONTACTS }),
        })
    };
    contacts.unwrap_or(DEFAULT_CONTACTS)
}
