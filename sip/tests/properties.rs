//! Messages made at random and written in every style that the grammar allows read as they were made, and edits of them
//! do what the same edits of a list do.

#![allow(clippy::unwrap_used)]

use rsip::headers::UntypedHeader;
use rsip::message::HeadersExt;
use sip::headers::{NameAddr, Via};
use sip::{Edit, Message, Method, Name};

const ROUNDS: u64 = 3000;

#[test]
fn a_message_reads_the_same_in_every_style() {
    for seed in 0..ROUNDS {
        let mut random = Random(seed);
        let made = Made::new(&mut random);
        let bytes = made.written(&mut random, Style::Any);
        println!("seed {seed}\n{}", bytes.escape_ascii());
        made.assert_reads(&Message::parse(&bytes).unwrap());
    }
}

#[test]
fn edits_do_to_a_message_what_they_do_to_a_list() {
    for seed in 0..ROUNDS {
        let mut random = Random(seed);
        let mut made = Made::new(&mut random);
        let bytes = made.written(&mut random, Style::Any);
        println!("seed {seed}\n{}", bytes.escape_ascii());
        let message = Message::parse(&bytes).unwrap();
        let mut edit = Edit::new(&message);
        for change in 0..random.below(12) {
            made.change(&mut edit, &mut random, change);
        }
        let mut out = Vec::new();
        edit.write(&mut out);
        println!("edited\n{}", out.escape_ascii());
        made.assert_reads(&Message::parse(&out).unwrap());
    }
}

#[test]
fn simple_messages_read_as_rsip_reads_them() {
    for seed in 0..ROUNDS {
        let mut random = Random(seed);
        let made = Made::new(&mut random);
        let bytes = made.written(&mut random, Style::Plain);
        println!("seed {seed}\n{}", bytes.escape_ascii());
        let ours = Message::parse(&bytes).unwrap();
        let theirs = rsip::Request::try_from(&bytes[..]).unwrap();
        assert_eq!(ours.method_text(), theirs.method.to_string());
        assert_eq!(ours.lines().count(), theirs.headers.iter().count());
        assert_eq!(ours.call_id(), theirs.call_id_header().unwrap().value());
        assert_eq!(ours.cseq(), theirs.cseq_header().unwrap().seq().unwrap());
        assert_eq!(ours.header(Name::From), Some(theirs.from_header().unwrap().value()));
        assert_eq!(ours.header(Name::To), Some(theirs.to_header().unwrap().value()));
        assert_eq!(ours.header(Name::Via), Some(theirs.via_header().unwrap().value()));
        assert_eq!(ours.body(), theirs.body);
    }
}

/// What a message says, apart from how it is written.
struct Made {
    method: &'static str,
    uri: String,
    /// Header lines: values that the message had and values that edits added are told apart.
    values: Vec<(Name, Vec<(String, Origin)>)>,
    cseq: u32,
    body: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq)]
enum Origin {
    Message,
    Edit,
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Any,
    Plain,
}

const LISTS: [Name; 6] = [Name::Via, Name::Route, Name::RecordRoute, Name::Contact, Name::Supported, Name::Allow];
const FREE: [Name; 5] = [Name::Subject, Name::Expires, Name::UserAgent, Name::TandemTarget, Name::Reason];

impl Made {
    fn new(random: &mut Random) -> Made {
        let method = random.pick(&["INVITE", "REGISTER", "BYE", "OPTIONS", "MESSAGE", "SUBSCRIBE"]);
        let cseq = random.below(1 << 31) as u32;
        let mut values = vec![
            (Name::From, vec![format!("{};tag={}", random.address(), random.token())]),
            (Name::To, vec![random.address()]),
            (Name::CallId, vec![format!("{}@{}", random.token(), random.host())]),
            (Name::CSeq, vec![format!("{cseq} {method}")]),
            (Name::MaxForwards, vec![random.below(256).to_string()]),
        ];
        let vias = 1 + random.below(4);
        values.push((Name::Via, (0..vias).map(|_| random.via()).collect()));
        for name in [Name::Route, Name::RecordRoute, Name::Contact] {
            let count = random.below(4);
            values.push((name, (0..count).map(|_| random.address()).collect()));
        }
        for name in [Name::Supported, Name::Allow] {
            let count = random.below(4);
            values.push((name, (0..count).map(|_| random.token()).collect()));
        }
        for name in FREE {
            let count = random.below(2);
            values.push((name, (0..count).map(|_| format!("{} {}", random.token(), random.token())).collect()));
        }
        let values = values
            .into_iter()
            .map(|(name, values)| (name, values.into_iter().map(|value| (value, Origin::Message)).collect()));
        let length = random.below(200);
        Made {
            method,
            uri: format!("sip:{}@{}", random.token(), random.host()),
            values: values.collect(),
            cseq,
            body: (0..length).map(|_| random.below(256) as u8).collect(),
        }
    }

    fn written(&self, random: &mut Random, style: Style) -> Vec<u8> {
        let mut lines: Vec<(Name, String)> = Vec::new();
        for (name, values) in &self.values {
            for (index, (value, _)) in values.iter().enumerate() {
                match lines.last_mut() {
                    Some((last, line)) if style == Style::Any && index > 0 && last == name && random.below(2) == 0 => {
                        *line += &format!("{},{}{value}", random.space(), random.space());
                    }
                    _ => lines.push((*name, value.clone())),
                }
            }
        }
        lines.push((Name::ContentLength, self.body.len().to_string()));
        let mut out = format!("{} {} SIP/2.0\r\n", self.method, self.uri);
        for group in grouped(lines, random) {
            let (name, value) = &group;
            match style {
                Style::Any => {
                    let (before, after, end) = (random.pick(&["", " ", "\t "]), random.space(), random.space());
                    out += &format!("{}{before}:{after}{value}{end}\r\n", random.spelling(*name));
                }
                Style::Plain => out += &format!("{name}: {value}\r\n"),
            }
        }
        out += "\r\n";
        let mut out = out.into_bytes();
        out.extend_from_slice(&self.body);
        out
    }

    fn list(&mut self, name: Name) -> &mut Vec<(String, Origin)> {
        let index = self.values.iter().position(|(found, _)| *found == name).unwrap();
        &mut self.values[index].1
    }

    fn change(&mut self, edit: &mut Edit<'_>, random: &mut Random, number: usize) {
        let name = random.pick(&LISTS[1..]);
        let free = random.pick(&FREE);
        match random.below(8) {
            0 => {
                let via = random.via();
                edit.push_front(Name::Via, &via);
                self.list(Name::Via).insert(0, (via, Origin::Edit));
            }
            1 => {
                let value = format!("<sip:front-{number}@x>");
                edit.push_front(name, &value);
                self.list(name).insert(0, (value, Origin::Edit));
            }
            2 => {
                let value = format!("<sip:back-{number}@x>");
                edit.append(name, format_args!("<sip:back-{number}@x>"));
                self.list(name).push((value, Origin::Edit));
            }
            3 => {
                edit.remove(free);
                self.list(free).clear();
            }
            4 => {
                edit.set(free, number);
                *self.list(free) = vec![(number.to_string(), Origin::Edit)];
            }
            5 => {
                edit.pop_first_value(name);
                let list = self.list(name);
                if let Some(index) = list.iter().position(|(_, origin)| *origin == Origin::Message) {
                    list.remove(index);
                }
            }
            6 => {
                self.uri = format!("sip:new-{number}@x");
                edit.request_uri(&self.uri);
            }
            _ => {
                edit.remove_prefixed("tandem-");
                self.list(Name::TandemTarget).retain(|(_, origin)| *origin == Origin::Edit);
            }
        }
    }

    fn assert_reads(&self, message: &Message<'_>) {
        assert_eq!((message.method_text(), message.method()), (self.method, Method::from_text(self.method)));
        assert_eq!((message.request_uri(), message.cseq()), (self.uri.as_str(), self.cseq));
        assert_eq!(message.body(), self.body);
        for (name, values) in &self.values {
            let expected: Vec<&str> = values.iter().map(|(value, _)| value.as_str()).collect();
            match LISTS.contains(name) {
                true => assert_eq!(message.values(*name).collect::<Vec<_>>(), expected),
                false => assert_eq!(message.all(*name).collect::<Vec<_>>(), expected),
            }
        }
        let via = message.values(Name::Via).next().unwrap();
        assert_eq!((message.via(), message.via().text), (Via::parse(via).unwrap(), via));
        assert_eq!(message.from(), NameAddr::parse(message.header(Name::From).unwrap()).unwrap());
        assert_eq!(message.from_tag(), message.from().param("tag"));
        assert!(message.from().uri().is_ok() && message.to().uri().is_ok());
        assert!(message.values(Name::Contact).all(|text| NameAddr::parse(text).unwrap().uri().is_ok()));
    }
}

/// The lines in an order in which those of one name keep theirs.
fn grouped(mut lines: Vec<(Name, String)>, random: &mut Random) -> Vec<(Name, String)> {
    let mut out = Vec::new();
    while !lines.is_empty() {
        let name = lines[random.below(lines.len())].0;
        let first = lines.iter().position(|line| line.0 == name).unwrap();
        out.push(lines.remove(first));
    }
    out
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn token(&mut self) -> String {
        let length = 1 + self.below(12);
        (0..length).map(|_| self.pick(b"abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-._") as char).collect()
    }

    fn host(&mut self) -> &'static str {
        self.pick(&["example.com", "192.0.2.1", "a.b.example.org", "host:5080", "192.0.2.9:65535"])
    }

    fn address(&mut self) -> String {
        let display = self.pick(&["", "Ann ", "\"A, \\\"B\\\" <c>\" ", "\"\" "]);
        format!("{display}<sip:{}@{}>", self.token(), self.host())
    }

    fn via(&mut self) -> String {
        let transport = self.pick(&["UDP", "TCP", "TLS"]);
        format!("SIP/2.0/{transport} {};branch=z9hG4bK{}", self.host(), self.token())
    }

    fn space(&mut self) -> &'static str {
        self.pick(&["", "", " ", "  ", "\t", "\r\n ", " \r\n\t "])
    }

    fn spelling(&mut self, name: Name) -> String {
        let compact = match name {
            Name::Via => "v",
            Name::From => "F",
            Name::To => "t",
            Name::CallId => "I",
            Name::Contact => "m",
            Name::Supported => "k",
            Name::Subject => "S",
            Name::ContentLength => "l",
            _ => name.text(),
        };
        match self.below(4) {
            0 => compact.into(),
            1 => name.text().to_uppercase(),
            2 => name.text().to_lowercase(),
            _ => name.text().into(),
        }
    }
}
