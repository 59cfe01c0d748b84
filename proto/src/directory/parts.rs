//! The directory cut into parts, as it is stored and sent: part 0 is everything but users, part 1 + k is user bucket k.
//!
//! A part's version is the hash of its content, so that a part which did not change is neither stored nor sent again.

use super::Directory;
use super::buckets::{self, BUCKETS, Bucket, Buckets, MAX_NAME};
use super::model::{Media, Model};
use super::plan::Plan;
use super::symbols::{Symbol, Symbols, TooManyNames};
use super::user::{Contacts, Hashes, MAX_CALLER_ID, Origin, User, UserParts, WhenFull};
use crate::wire;
use prost::Message;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Why parts are no directory.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// A part beyond the last bucket.
    #[error("there is no part {0}")]
    Index(u32),
    /// The content does not hash to the version.
    #[error("part {0} is damaged")]
    Damaged(u32),
    /// Not the message that it should be.
    #[error("part {0} cannot be read: {1}")]
    Message(u32, prost::DecodeError),
    /// Not the JSON that it should be.
    #[error("part {0} cannot be read: {1}")]
    Json(u32, serde_json::Error),
    /// A user that no directory can hold, or one that belongs elsewhere.
    #[error("part {part} holds the impossible user {name:?}")]
    User {
        /// The part.
        part: u32,
        /// The user's name as it stands there.
        name: String,
    },
    /// Too many names of domains, classes and sites since this process began.
    #[error(transparent)]
    Names(#[from] TooManyNames),
}

impl Model {
    /// The content of part 0.
    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("the model holds nothing that JSON cannot hold")
    }
}

impl Directory {
    /// The version of each part, by its index.
    pub fn versions(&self) -> Vec<u64> {
        std::iter::once(self.plan.version).chain(self.users.iter().map(|bucket| bucket.version)).collect()
    }

    /// The parts whose version differs from the one at their index in `known`: all of them where it is empty.
    pub fn to_parts<'a>(&'a self, known: &'a [u64]) -> impl Iterator<Item = wire::Part> + 'a {
        let first = std::iter::once(self.plan.version);
        let versions = first.chain(self.users.iter().map(|bucket| bucket.version)).enumerate();
        let changed = versions.filter(|(index, version)| known.get(*index) != Some(version));
        changed.map(|(index, version)| {
            let content = match index.checked_sub(1) {
                None => self.plan.model.encode(),
                Some(bucket) => encode(&self.symbols, self.users.bucket(bucket).items()),
            };
            wire::Part { index: index as u32, version, content }
        })
    }

    /// The directory that these parts make, where parts that are missing are empty.
    pub fn from_parts(generation: u64, parts: &[wire::Part]) -> Result<Directory, PartError> {
        Directory::empty().with_parts(generation, parts)
    }

    /// This directory with some parts replaced.
    pub fn with_parts(&self, generation: u64, parts: &[wire::Part]) -> Result<Directory, PartError> {
        let mut symbols = self.symbols.clone();
        let mut plan = self.plan.clone();
        let mut replaced = Vec::new();
        for part in parts {
            if buckets::version(&part.content) != part.version {
                return Err(PartError::Damaged(part.index));
            }
            match (part.index as usize).checked_sub(1) {
                None => {
                    let model =
                        serde_json::from_slice(&part.content).map_err(|why| PartError::Json(part.index, why))?;
                    plan = Arc::new(Plan::new(model, part.version));
                }
                Some(bucket) if bucket < BUCKETS => {
                    let users = decode(Arc::make_mut(&mut symbols), part)?;
                    replaced.push((bucket, Bucket::new(part.version, users)));
                }
                Some(_) => return Err(PartError::Index(part.index)),
            }
        }
        Ok(Directory { generation, plan, ..self.with_buckets(symbols, replaced) })
    }

    /// This directory with some buckets of users replaced, and the index of extensions brought up to date.
    pub(super) fn with_buckets(&self, symbols: Arc<Symbols>, replaced: Vec<(usize, Bucket<User>)>) -> Directory {
        let mut changed: BTreeMap<usize, Vec<(u64, u64, Change)>> = BTreeMap::new();
        let mut note = |bucket: &Bucket<User>, change| {
            for (hash, user) in bucket.entries() {
                let Some(extension) = user.extension() else { continue };
                let extension = buckets::hash(extension, symbols.name(user.domain()));
                changed.entry(buckets::bucket_of(extension)).or_default().push((extension, hash, change));
            }
        };
        for (index, bucket) in &replaced {
            note(self.users.bucket(*index), Change::Gone);
            note(bucket, Change::New);
        }
        let extensions = changed.into_iter().map(|(index, changes)| (index, patched(&self.extensions, index, changes)));
        let extensions = self.extensions.with(extensions.collect());
        Directory { symbols, users: self.users.with(replaced), extensions, ..self.clone() }
    }
}

/// What became of an extension.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Gone,
    New,
}

fn patched(extensions: &Buckets<u64>, index: usize, changes: Vec<(u64, u64, Change)>) -> Bucket<u64> {
    let mut entries: Vec<(u64, u64)> =
        extensions.bucket(index).entries().map(|(extension, user)| (extension, *user)).collect();
    let gone: std::collections::HashSet<(u64, u64), foldhash::fast::RandomState> = changes
        .iter()
        .filter(|(_, _, change)| *change == Change::Gone)
        .map(|(extension, user, _)| (*extension, *user))
        .collect();
    entries.retain(|entry| !gone.contains(entry));
    entries.extend(changes.iter().filter(|(_, _, change)| *change == Change::New).map(|(e, user, _)| (*e, *user)));
    Bucket::new(0, entries)
}

/// The content of a bucket's part: names are numbered in the order in which the users need them, so that it depends on nothing else.
pub(super) fn encode(symbols: &Symbols, users: &[User]) -> Vec<u8> {
    let mut names = Vec::new();
    let mut numbers: HashMap<Symbol, u32, foldhash::fast::RandomState> = HashMap::default();
    let mut number = |symbol: Symbol| {
        *numbers.entry(symbol).or_insert_with(|| {
            names.push(symbols.name(symbol).to_owned());
            names.len() as u32
        })
    };
    let mut records = Vec::with_capacity(users.len());
    for user in users {
        let Hashes { sha256, md5 } = user.hashes();
        records.push(wire::UserRecord {
            name: user.name().to_owned(),
            extension: user.extension().unwrap_or_default().to_owned(),
            caller_id: user.caller_id().unwrap_or_default().to_owned(),
            sha256: sha256.to_vec(),
            md5: md5.to_vec(),
            ring: user.ring().as_millis() as u32,
            domain: number(user.domain()),
            class: user.class().map_or(0, &mut number),
            site: user.site().map_or(0, &mut number),
            contacts: user.contacts().limit.into(),
            refuse_more: user.contacts().when_full == WhenFull::Refuse,
            media: match user.media() {
                None => wire::UserMedia::OfDomain,
                Some(Media::Anchored) => wire::UserMedia::Anchored,
                Some(Media::Direct) => wire::UserMedia::Direct,
            }
            .into(),
            imported: user.origin() == Origin::Import,
            rare: user.rare().map_or(Vec::new(), |rare| serde_json::to_vec(rare).expect("it holds texts only")),
        });
    }
    wire::UserBucket { names, users: records }.encode_to_vec()
}

fn decode(symbols: &mut Symbols, part: &wire::Part) -> Result<Vec<(u64, User)>, PartError> {
    let bucket =
        wire::UserBucket::decode(part.content.as_slice()).map_err(|why| PartError::Message(part.index, why))?;
    let mut names = Vec::with_capacity(bucket.names.len());
    for name in &bucket.names {
        names.push(symbols.intern(name)?);
    }
    let mut users = Vec::with_capacity(bucket.users.len());
    for record in &bucket.users {
        let impossible = || PartError::User { part: part.index, name: record.name.clone() };
        let symbol = |number: u32| match number.checked_sub(1) {
            Some(i) => names.get(i as usize).copied().map(Some).ok_or_else(impossible),
            None => Ok(None),
        };
        let (Ok(sha256), Ok(md5)) = (record.sha256.as_slice().try_into(), record.md5.as_slice().try_into()) else {
            return Err(impossible());
        };
        let domain = symbol(record.domain)?.ok_or_else(impossible)?;
        let hash = buckets::hash(&record.name, symbols.name(domain));
        let fits = record.name.len() <= MAX_NAME
            && record.extension.len() <= MAX_NAME
            && record.caller_id.len() <= MAX_CALLER_ID;
        if !fits || record.name.is_empty() || 1 + buckets::bucket_of(hash) != part.index as usize {
            return Err(impossible());
        }
        let rare = match record.rare.as_slice() {
            [] => Default::default(),
            json => serde_json::from_slice(json).map_err(|why| PartError::Json(part.index, why))?,
        };
        let user = User::new(UserParts {
            name: &record.name,
            extension: &record.extension,
            caller_id: &record.caller_id,
            hashes: Hashes { sha256, md5 },
            ring: Duration::from_millis(record.ring.into()),
            domain,
            class: symbol(record.class)?,
            site: symbol(record.site)?,
            contacts: Contacts {
                limit: u8::try_from(record.contacts).unwrap_or(u8::MAX),
                when_full: if record.refuse_more { WhenFull::Refuse } else { WhenFull::OldestGoes },
            },
            media: match record.media() {
                wire::UserMedia::OfDomain => None,
                wire::UserMedia::Anchored => Some(Media::Anchored),
                wire::UserMedia::Direct => Some(Media::Direct),
            },
            origin: if record.imported { Origin::Import } else { Origin::File },
            rare,
        });
        users.push((hash, user));
    }
    Ok(users)
}

#[cfg(test)]
mod tests;
