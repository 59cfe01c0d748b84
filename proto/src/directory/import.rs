//! Many plain users at once, from a list.

use super::buckets;
use super::difference::Change;
use super::source::{Problem, check_caller_id, check_extension, check_user_name};
use super::user::{DEFAULT_CONTACTS, DEFAULT_RING, Hashes, Origin, Rare, User, UserParts};
use super::{Directory, Domain};
use crate::wire::ImportRow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

impl Directory {
    /// Adds users to a domain, or changes those that were imported before.
    ///
    /// A row has a name, and may have a password, an extension and a caller id. A user without a password cannot register; of one
    /// who exists an empty password keeps the old one. `class` is for all of them; `None`: the domain's default. Users that a
    /// directory file names are not changed: a row that names one is a problem. On any problem there is no new directory.
    pub fn import(&self, rows: &[ImportRow], domain: &str, class: Option<&str>) -> Result<Change, Vec<Problem>> {
        let Some(domain) = self.domain(domain) else {
            return Err(vec![Problem::of_all(&format!("there is no domain \"{domain}\""))]);
        };
        if let Some(class) = class.filter(|class| self.plan.class(class).is_none()) {
            return Err(vec![Problem::of_all(&format!("there is no class \"{class}\""))]);
        }
        let problems = Rows::new(rows).check(self, domain);
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut symbols = self.symbols.clone();
        let mut intern = |name| Arc::make_mut(&mut symbols).intern(name).map_err(|why| vec![Problem::of_all(&why)]);
        let (domain_symbol, class) = (intern(&domain.name)?, class.map(intern).transpose()?);
        let mut changed: BTreeMap<usize, Vec<(u64, User)>> = BTreeMap::new();
        for row in rows {
            let before = self.user_in(domain, &row.name);
            let hashes = match (row.password.as_str(), before) {
                ("", Some(before)) => before.hashes(),
                ("", None) => Hashes::NONE,
                (password, _) => Hashes::of(&row.name, &domain.name, password),
            };
            let user = User::new(UserParts {
                name: &row.name,
                extension: &row.extension,
                caller_id: &row.caller_id,
                hashes,
                ring: DEFAULT_RING,
                domain: domain_symbol,
                class,
                site: None,
                contacts: DEFAULT_CONTACTS,
                media: None,
                origin: Origin::Import,
                rare: Rare::default(),
            });
            let hash = buckets::hash(&row.name, &domain.name);
            changed.entry(buckets::bucket_of(hash)).or_default().push((hash, user));
        }
        for (index, users) in &mut changed {
            let new = users.len();
            for (hash, user) in self.users.bucket(*index).entries() {
                if !users[..new].iter().any(|(_, other)| other.is_same_as(user)) {
                    users.push((hash, user.clone()));
                }
            }
        }
        Ok(self.changed(symbols, self.model().clone(), changed.into_iter().collect()))
    }
}

/// The rows, found by name and by extension.
struct Rows<'a> {
    rows: &'a [ImportRow],
    names: HashMap<&'a str, &'a ImportRow>,
    extensions: HashMap<&'a str, &'a ImportRow>,
}

impl<'a> Rows<'a> {
    fn new(rows: &'a [ImportRow]) -> Rows<'a> {
        let (mut names, mut extensions) = (HashMap::with_capacity(rows.len()), HashMap::with_capacity(rows.len()));
        for row in rows {
            names.entry(row.name.as_str()).or_insert(row);
            if !row.extension.is_empty() {
                extensions.entry(row.extension.as_str()).or_insert(row);
            }
        }
        Rows { rows, names, extensions }
    }

    fn check(&self, directory: &Directory, domain: &Domain) -> Vec<Problem> {
        let mut problems = Vec::new();
        for row in self.rows {
            let wrong = [
                ("name", check_user_name(&row.name).map(drop).or_else(|why| quoted(&row.name, &why))),
                (
                    "extension",
                    match row.extension.as_str() {
                        "" => Ok(()),
                        extension => check_extension(extension).map(drop).or_else(|why| quoted(extension, &why)),
                    },
                ),
                ("caller_id", check_caller_id(&row.caller_id).map(drop).or_else(|why| quoted(&row.caller_id, &why))),
                ("name", self.check_name(row, directory, domain)),
                ("extension", self.check_extension(row, directory, domain)),
            ];
            for (key, result) in wrong {
                let Err(message) = result else { continue };
                problems.push(Problem {
                    file: String::new(),
                    line: row.line,
                    key: format!("user {:.64}: {key}", row.name),
                    message,
                });
            }
        }
        problems
    }

    fn check_name(&self, row: &ImportRow, directory: &Directory, domain: &Domain) -> Result<(), String> {
        let first = self.names[row.name.as_str()];
        if !std::ptr::eq(first, row) {
            return Err(format!("is there already, in line {}", first.line));
        }
        if directory.user_in(domain, &row.name).is_some_and(|user| user.origin() == Origin::File) {
            return Err("is named by a directory file; change it there".into());
        }
        if directory.is_number(&row.name) {
            return Err("is a number of the dial plan, which would never be reached".into());
        }
        let hidden = self.extensions.get(row.name.as_str()).map(|other| other.name.as_str());
        let hidden = hidden.or_else(|| self.stays(directory.user_by_extension(domain, &row.name)?));
        match hidden.filter(|other| *other != row.name) {
            Some(other) => Err(format!("is the extension of {other}")),
            None => Ok(()),
        }
    }

    fn check_extension(&self, row: &ImportRow, directory: &Directory, domain: &Domain) -> Result<(), String> {
        let extension = row.extension.as_str();
        if extension.is_empty() {
            return Ok(());
        }
        let first = self.extensions[extension];
        if !std::ptr::eq(first, row) {
            return Err(format!("{extension} is there already, in line {}", first.line));
        }
        if let Some(other) = directory.user_by_extension(domain, extension).and_then(|user| self.stays(user)) {
            return Err(format!("{extension} is the extension of {other}"));
        }
        if directory.is_number(extension) {
            return Err(format!("{extension} is a number of the dial plan, which would never be reached"));
        }
        let other = directory.user_in(domain, extension).map(User::name);
        match other.filter(|other| *other != row.name) {
            Some(_) => Err(format!("{extension} is another user's name")),
            None => Ok(()),
        }
    }

    /// The name of a user whom no row changes.
    fn stays<'b>(&self, user: &'b User) -> Option<&'b str> {
        let stays = user.origin() == Origin::File || !self.names.contains_key(user.name());
        if stays { Some(user.name()) } else { None }
    }
}

fn quoted(value: &str, why: &str) -> Result<(), String> {
    Err(format!("\"{value}\" {why}"))
}

#[cfg(test)]
mod tests;
