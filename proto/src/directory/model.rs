//! What a directory says besides its users: one type for each kind of section.
//!
//! The same types are stored and travel (as JSON in part 0), are compared for the difference, and are what members work with.

mod services;
mod trunk;

pub use services::{
    Announcements, Conference, Features, Forward, Menu, Music, Parking, Priority, Prompt, Queue, QueueMember,
    Recording, SharedBox, Slots, Strategy, VoicemailBox,
};
pub use trunk::{Inbound, Peer, PeerTransport, Registration, Trunk};

use super::destination::{Destination, Template};
use super::network::Network;
use super::pattern::Match;
use super::text::as_text;
use serde::{Deserialize, Serialize};
use sip::digest::Algorithm;
use std::fmt;
use std::str::FromStr;

/// Everything but users. Each list is in ascending order of its names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Model {
    /// `[[region]]`
    pub regions: Vec<Region>,
    /// `[[site]]`
    pub sites: Vec<Site>,
    /// `[[domain]]`
    pub domains: Vec<Domain>,
    /// `[[schedule]]`
    pub schedules: Vec<Schedule>,
    /// `[[class]]`
    pub classes: Vec<Class>,
    /// `[[number]]`
    pub numbers: Vec<Number>,
    /// `[[menu]]`
    pub menus: Vec<Menu>,
    /// `[[queue]]`
    pub queues: Vec<Queue>,
    /// `[[conference]]`
    pub conferences: Vec<Conference>,
    /// `[[voicemail]]`
    pub voicemail: Vec<SharedBox>,
    /// `[[parking]]`
    pub parking: Vec<Parking>,
    /// `[features]`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Features>,
    /// `[[music]]`
    pub music: Vec<Music>,
    /// `[[trunk]]`
    pub trunks: Vec<Trunk>,
}

/// A part of the network with its own proxies and media nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Its name.
    pub name: Box<str>,
    /// Language of prompts for callers located there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Box<str>>,
    /// Callers from these addresses are located there; the longest prefix of all regions wins.
    #[serde(default)]
    pub networks: Vec<Network>,
    /// Beginnings of the public numbers that are at home there.
    #[serde(default)]
    pub prefixes: Vec<Box<str>>,
    /// The country whose tones its callers know, ISO 3166-1; without it, [`Region::country`] tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tones: Option<Box<str>>,
}

/// A place where users work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Its name.
    pub name: Box<str>,
    /// The region it lies in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Box<str>>,
    /// Callers from these addresses are located there.
    #[serde(default)]
    pub networks: Vec<Network>,
    /// Digits that, in front of an extension, reach that site's user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Box<str>>,
    /// The number shown to the outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_id: Option<Box<str>>,
}

/// A SIP domain; its name is the realm of its users' passwords.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    /// Its name, in lower case.
    pub name: Box<str>,
    /// Other host names and addresses that mean it.
    #[serde(default)]
    pub aliases: Vec<Box<str>>,
    /// Which way the media of its users' calls takes.
    #[serde(default)]
    pub media: Media,
    /// Whether the media between us and its users' phones is encrypted.
    #[serde(default)]
    pub srtp: Srtp,
    /// The codecs that its users' phones are offered and answered, the preferred one first; empty: all, in the phones' order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codecs: Vec<Box<str>>,
    /// How its users' phones are told of keys.
    #[serde(default)]
    pub dtmf: Dtmf,
    /// The algorithms of its challenges, the preferred one first.
    #[serde(with = "algorithms")]
    pub algorithms: Vec<Algorithm>,
    /// The class of users that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Box<str>>,
}

/// Whether the media between us and a phone is encrypted (SRTP).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Srtp {
    /// Never; a phone that insists on it gets 488.
    Off,
    /// Where the phone can.
    #[default]
    Offer,
    /// Else there is no call: 488.
    Required,
}

/// How keys come from a phone and go to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtmf {
    /// As events in the media (RFC 4733) where the phone can, else as tones.
    #[default]
    Auto,
    /// As tones in the sound.
    Inband,
    /// In INFO requests.
    Info,
}

/// The way that media takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Media {
    /// Through a media node.
    #[default]
    Anchored,
    /// From phone to phone; the exchange relays signalling only, where it can.
    Direct,
}

/// What a class of callers may dial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// Its name.
    pub name: Box<str>,
    /// Groups of numbers; `extensions` and `services` are always there, others come from numbers.
    pub allow: Vec<Box<str>>,
}

/// A number or pattern of numbers that means something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// What is dialled.
    #[serde(rename = "match")]
    pub pattern: Match,
    /// What it means.
    pub to: Destination,
    /// The number that goes out, for a trunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<Template>,
    /// The group that a caller's class must allow.
    pub group: Box<str>,
}

/// Hours at which something is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its name.
    pub name: Box<str>,
    /// Time zone, such as `Europe/Paris`.
    pub zone: Box<str>,
    /// When it is open.
    pub open: Vec<Opening>,
    /// Days when it is closed all the same.
    #[serde(default)]
    pub closed: Vec<Day>,
}

/// Hours on some days of the week: `mon-fri 09:00-12:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// First day, 0 = Monday.
    pub from_day: u8,
    /// Last day, 0 = Monday; before the first one where the days run over Sunday.
    pub to_day: u8,
    /// First minute of the day.
    pub from: u16,
    /// The minute of the day that is closed again, at most 1440.
    pub until: u16,
}

/// A day of the calendar: `2026-12-25`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    /// Year.
    pub year: u16,
    /// Month, 1-12.
    pub month: u8,
    /// Day, 1-31.
    pub day: u8,
}

/// Not an [`Opening`] or a [`Day`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// Not `DAYS HH:MM-HH:MM`.
    #[error("are no opening hours")]
    Opening,
    /// Not `YYYY-MM-DD`, or no day of the calendar.
    #[error("is no day of the calendar")]
    Day,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Class {
    /// Whether its callers may dial numbers of this group.
    pub fn allows(&self, group: &str) -> bool {
        self.allow.iter().any(|allowed| **allowed == *group)
    }
}

impl FromStr for Opening {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Opening, HoursError> {
        let error = HoursError::Opening;
        let (days, hours) = text.split_once(' ').ok_or(error)?;
        let day = |text: &str| DAYS.iter().position(|day| *day == text).map(|day| day as u8).ok_or(error);
        let (from_day, to_day) = match days.split_once('-') {
            Some((from, to)) => (day(from)?, day(to)?),
            None => (day(days)?, day(days)?),
        };
        let minute = |text: &str| {
            let (hours, minutes) = text.split_once(':').filter(|_| text.len() == 5).ok_or(error)?;
            let hours: u16 = hours.parse().map_err(|_| error)?;
            let minutes: u16 = minutes.parse().map_err(|_| error)?;
            Some(hours * 60 + minutes).filter(|&minute| minutes < 60 && minute <= 1440).ok_or(error)
        };
        let (from, until) = hours.split_once('-').ok_or(error)?;
        let (from, until) = (minute(from)?, minute(until)?);
        if from < until { Ok(Opening { from_day, to_day, from, until }) } else { Err(error) }
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(DAYS[usize::from(self.from_day)])?;
        if self.to_day != self.from_day {
            write!(f, "-{}", DAYS[usize::from(self.to_day)])?;
        }
        write!(f, " {:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, self.until / 60, self.until % 60)
    }
}

impl FromStr for Day {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Day, HoursError> {
        let mut numbers = text.split('-');
        let mut number = |digits: usize| -> Option<u16> {
            numbers.next().filter(|n| n.len() == digits && n.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
        };
        let (year, month, day) = (number(4), number(2), number(2));
        let (Some(year), Some(month), Some(day), None) = (year, month, day, numbers.next()) else {
            return Err(HoursError::Day);
        };
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let last = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return Err(HoursError::Day),
        };
        if (1..=last).contains(&day) {
            Ok(Day { year, month: month as u8, day: day as u8 })
        } else {
            Err(HoursError::Day)
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

as_text!(Match, Destination, Template, Network, Opening, Day);

/// Algorithms by the names that challenges give them.
mod algorithms {
    use serde::{Deserialize, Deserializer, Serializer};
    use sip::digest::Algorithm;

    pub fn serialize<S: Serializer>(algorithms: &[Algorithm], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(algorithms.iter().map(ToString::to_string))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Algorithm>, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        names.iter().map(|name| name.parse().map_err(serde::de::Error::custom)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_hours_and_days_read_and_write() {
        for text in ["mon-fri 09:00-12:30", "sat 08:00-24:00", "fri-mon 00:00-00:01"] {
            assert_eq!(text.parse::<Opening>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "mon",
            "mon 9:00-12:30",
            "mon-fri 12:30-09:00",
            "mon 09:00-24:01",
            "mon 09:60-10:00",
            "day 09:00-10:00",
        ] {
            assert_eq!(text.parse::<Opening>(), Err(HoursError::Opening), "{text}");
        }
        for text in ["2026-12-25", "2028-02-29", "2000-02-29"] {
            assert_eq!(text.parse::<Day>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "2026-13-01",
            "2026-02-29",
            "2100-02-29",
            "2026-1-01",
            "26-01-01",
            "2026-01-00",
            "2026-01-01-01",
            "+026-01-01",
        ] {
            assert_eq!(text.parse::<Day>(), Err(HoursError::Day), "{text}");
        }
    }
}
