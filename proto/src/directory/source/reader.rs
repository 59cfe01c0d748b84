//! Reads tables key by key: whatever is wrong is noted with its line, and reading goes on.

use super::suggest::nearest;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::{self, Display};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Something wrong in a directory file or a list of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file's name.
    pub file: String,
    /// Line from 1; 0 where no single line is at fault.
    pub line: u32,
    /// Section, name and key: `user alice: ring`; empty where there is none.
    pub key: String,
    /// What is wrong, with a good value where there is one.
    pub message: String,
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl From<Problem> for crate::wire::Problem {
    fn from(Problem { file, line, key, message }: Problem) -> crate::wire::Problem {
        crate::wire::Problem { file, line, key, message }
    }
}

/// Kinds of things that have a name, each with names of its own: the word in `[[..]]`, or what a key calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Region,
    Site,
    Domain,
    Schedule,
    Class,
    Number,
    Group,
    Menu,
    Queue,
    Conference,
    Voicemail,
    Parking,
    Music,
    Trunk,
    User,
    /// A user where only one domain may have that name.
    Member,
    Extension,
}

impl Kind {
    /// The word for it in directory files.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Region => "region",
            Kind::Site => "site",
            Kind::Domain => "domain",
            Kind::Schedule => "schedule",
            Kind::Class => "class",
            Kind::Number => "number",
            Kind::Group => "group",
            Kind::Menu => "menu",
            Kind::Queue => "queue",
            Kind::Conference => "conference",
            Kind::Voicemail => "voicemail",
            Kind::Parking => "parking",
            Kind::Music => "music",
            Kind::Trunk => "trunk",
            Kind::User | Kind::Member => "user",
            Kind::Extension => "extension",
        }
    }
}

/// A line of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Position among the files.
    pub file: usize,
    /// From 1.
    pub line: u32,
}

/// The name of something, where it is used.
#[derive(Debug, Clone)]
pub struct Reference {
    pub kind: Kind,
    pub name: String,
    pub place: Place,
    pub key: String,
}

/// What reading has come upon so far, besides values.
#[derive(Debug, Default)]
pub struct Found {
    pub files: Vec<String>,
    pub problems: Vec<Problem>,
    pub references: Vec<Reference>,
    /// Where each name was given first.
    pub names: HashMap<(Kind, String), Place, foldhash::fast::RandomState>,
    /// Where texts are to be spoken, with the key that says so.
    pub says: Vec<(Place, String)>,
}

impl Found {
    /// Notes a problem.
    pub fn problem(&mut self, place: Place, key: &str, message: impl Into<String>) {
        let file = self.files[place.file].clone();
        self.problems.push(Problem { file, line: place.line, key: key.into(), message: message.into() });
    }

    /// Notes that something has this name, and a problem where something else of its kind has it. `id` is the same for all ways
    /// to write the name.
    pub fn declare(&mut self, kind: Kind, (id, name): (&str, &str), place: Place, key: &str) {
        let Some(first) = self.names.get(&(kind, id.to_owned())).copied() else {
            self.names.insert((kind, id.to_owned()), place);
            return;
        };
        let at = format!("{}:{}", self.files[first.file], first.line);
        let word = kind.word();
        self.problem(place, key, format!("{word} \"{name}\" is there already, at {at}; give each its own"));
    }

    /// Whether something has this name.
    pub fn knows(&self, kind: Kind, name: &str) -> bool {
        self.names.contains_key(&(kind, name.to_owned()))
    }

    /// The name of this kind that was probably meant.
    pub fn nearest(&self, kind: Kind, name: &str) -> Option<&str> {
        nearest(name, self.names.keys().filter(|(other, _)| *other == kind).map(|(_, name)| name.as_str()))
    }
}

/// A file with the offsets at which its lines begin.
pub struct File<'a> {
    index: usize,
    text: &'a str,
    lines: Vec<usize>,
}

impl<'a> File<'a> {
    /// File `index` with its text.
    pub fn new(index: usize, text: &'a str) -> File<'a> {
        let lines = std::iter::once(0).chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1));
        File { index, text, lines: lines.collect() }
    }

    /// The line at an offset.
    pub fn place(&self, span: &Range<usize>) -> Place {
        let line = self.lines.partition_point(|start| *start <= span.start);
        Place { file: self.index, line: line as u32 }
    }

    /// The first line of what stands at `span`.
    fn excerpt(&self, span: &Range<usize>) -> &'a str {
        self.text.get(span.clone()).and_then(|text| text.lines().next()).unwrap_or_default()
    }
}

/// A table of which each key is asked for once; what nobody asked for is unknown.
pub struct Table<'a> {
    file: &'a File<'a>,
    found: &'a RefCell<Found>,
    entries: &'a DeTable<'a>,
    /// Where its header or opening brace is.
    pub place: Place,
    /// How problems name it: `user alice`.
    pub label: String,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Table<'a> {
    /// Lets `read` read a table, then reports the keys that it did not ask for.
    pub fn read<T>(
        file: &'a File<'a>,
        found: &'a RefCell<Found>,
        (entries, place): (&'a DeTable<'a>, Place),
        label: String,
        read: impl FnOnce(&Table<'a>) -> T,
    ) -> T {
        let table = Table { file, found, entries, place, label, asked: RefCell::default() };
        let result = read(&table);
        table.report_unknown_keys();
        result
    }

    /// The value of a key and its place.
    fn get(&self, key: &'static str) -> Option<(&'a Spanned<DeValue<'a>>, Place)> {
        self.asked.borrow_mut().push(key);
        let value = self.entries.get(key)?;
        Some((value, self.file.place(&value.span())))
    }

    /// A key's value. `good` is one that would do, as TOML; `parse` says what is wrong, behind the value itself.
    pub fn optional<T>(
        &self,
        key: &'static str,
        good: &str,
        parse: impl Fn(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<T> {
        let (value, place) = self.get(key)?;
        parse(value.get_ref()).map_err(|why| self.bad(key, place, value, &why, good)).ok()
    }

    /// A key that must be there.
    pub fn required<T>(
        &self,
        key: &'static str,
        good: &str,
        parse: impl Fn(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<T> {
        if self.is_missing(key) {
            self.report_missing(key, good);
        }
        self.optional(key, good, parse)
    }

    /// A list of values, without those that are wrong. `good` is one element that would do.
    pub fn list<T>(&self, key: &'static str, good: &str, parse: impl Fn(&DeValue<'_>) -> Result<T, String>) -> Vec<T> {
        let mut list = Vec::new();
        for value in self.array(key, good) {
            let place = self.file.place(&value.span());
            match parse(value.get_ref()) {
                Ok(item) => list.push(item),
                Err(why) => self.bad(key, place, value, &why, &format!("[{good}]")),
            }
        }
        list
    }

    /// A list that must be there.
    pub fn required_list<T>(
        &self,
        key: &'static str,
        good: &str,
        parse: impl Fn(&DeValue<'_>) -> Result<T, String>,
    ) -> Vec<T> {
        if self.is_missing(key) {
            self.report_missing(key, &format!("[{good}]"));
        }
        self.list(key, good, parse)
    }

    /// A table in a key, such as `voicemail = { pin = "1234" }`.
    pub fn nested<T>(&self, key: &'static str, good: &str, read: impl FnOnce(&Table<'a>) -> Option<T>) -> Option<T> {
        let (value, place) = self.get(key)?;
        let Some(entries) = value.get_ref().as_table() else {
            self.bad(key, place, value, "is no table", good);
            return None;
        };
        Table::read(self.file, self.found, (entries, place), self.key(key), read)
    }

    /// A list of tables, such as `peers = [{ host = ".." }]`.
    pub fn each<T>(&self, key: &'static str, good: &str, read: impl Fn(&Table<'a>) -> Option<T>) -> Vec<T> {
        let mut list = Vec::new();
        for value in self.array(key, good) {
            let place = self.file.place(&value.span());
            match value.get_ref().as_table() {
                Some(entries) => {
                    list.extend(Table::read(self.file, self.found, (entries, place), self.key(key), &read))
                }
                None => self.bad(key, place, value, "is no table", &format!("[{good}]")),
            }
        }
        list
    }

    /// Every `[[kind]]` of a file, without those that cannot be read.
    pub fn sections<T>(&self, kind: Kind, read: impl Fn(&Table<'a>) -> Option<T>) -> Vec<T> {
        let word = kind.word();
        let Some((value, place)) = self.get(word) else { return Vec::new() };
        let tables = value.get_ref().as_array().map_or(&[][..], |array| array);
        if tables.is_empty() || tables.iter().any(|table| !table.get_ref().is_table()) {
            self.problem(word, place, format!("is a list of tables; begin each with [[{word}]]"));
        }
        let mut sections = Vec::new();
        for table in tables {
            let Some(entries) = table.get_ref().as_table() else { continue };
            let name = ["name", "match"].iter().find_map(|key| entries.get(*key)?.get_ref().as_str());
            let label = name.map_or(word.to_owned(), |name| format!("{word} {name}"));
            let place = self.file.place(&table.span());
            sections.extend(Table::read(self.file, self.found, (entries, place), label, &read));
        }
        sections
    }

    fn array(&self, key: &'static str, good: &str) -> &'a [Spanned<DeValue<'a>>] {
        let Some((value, place)) = self.get(key) else { return &[] };
        let array = value.get_ref().as_array();
        if array.is_none() {
            self.bad(key, place, value, "is no list", &format!("[{good}]"));
        }
        array.map_or(&[], |array| array)
    }

    /// Every key with its value, for tables whose keys are free.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, &'a DeValue<'a>, Place)> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries.into_iter().map(|(key, value)| (&**key.get_ref(), value.get_ref(), self.file.place(&key.span())))
    }

    /// Whether a key is not there.
    pub fn is_missing(&self, key: &str) -> bool {
        !self.entries.contains_key(key)
    }

    /// Notes that a key should be there.
    pub fn report_missing(&self, key: &str, good: &str) {
        self.problem(key, self.place, format!("is missing; for example {key} = {good}"));
    }

    /// Whether a key is there and holds a table.
    pub fn is_table(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(|value| value.get_ref().is_table())
    }

    /// Where a key's value is; the table itself without it.
    pub fn place_of(&self, key: &str) -> Place {
        self.entries.get(key).map_or(self.place, |value| self.file.place(&value.span()))
    }

    /// How problems name a key of this table.
    pub fn key(&self, key: &str) -> String {
        if self.label.is_empty() { key.to_owned() } else { format!("{}: {key}", self.label) }
    }

    /// Notes a problem with a key.
    pub fn problem(&self, key: &str, place: Place, message: impl Into<String>) {
        self.found.borrow_mut().problem(place, &self.key(key), message);
    }

    fn bad(&self, key: &str, place: Place, value: &Spanned<DeValue<'_>>, why: &str, good: &str) {
        let value = match key {
            "pin" | "password" => "its value",
            _ => self.file.excerpt(&value.span()),
        };
        let example = if why.ends_with('?') { String::new() } else { format!("; for example {key} = {good}") };
        self.problem(key, place, format!("{value} {why}{example}"));
    }

    /// Notes that this key's value is the name of something that must exist.
    pub fn refer(&self, kind: Kind, name: &str, key: &str, place: Place) {
        let reference = Reference { kind, name: name.to_owned(), place, key: self.key(key) };
        self.found.borrow_mut().references.push(reference);
    }

    /// Notes that something has this name.
    pub fn declare(&self, kind: Kind, name: &str, key: &str) {
        self.declare_by_id(kind, (name, name), key);
    }

    /// The same where there are several ways to write a name: `(id, name)`.
    pub fn declare_by_id(&self, kind: Kind, name: (&str, &str), key: &str) {
        self.found.borrow_mut().declare(kind, name, self.place_of(key), &self.key(key));
    }

    /// Notes that this key's text is to be spoken.
    pub fn speak(&self, key: &str, place: Place) {
        self.found.borrow_mut().says.push((place, self.key(key)));
    }

    fn report_unknown_keys(&self) {
        let asked = self.asked.borrow();
        if asked.is_empty() {
            return;
        }
        for (key, _, place) in self.entries() {
            if asked.contains(&key) {
                continue;
            }
            let message = match nearest(key, asked.iter().copied()) {
                Some(near) => format!("there is no such key; did you mean \"{near}\"?"),
                None => format!("there is no such key; there are {}", asked.join(", ")),
            };
            self.problem(key, place, message);
        }
    }
}
