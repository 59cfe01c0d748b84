//! What only shows when everything has been read: names that nothing has, and numbers that two have.

use super::Source;
use super::places::GROUPS;
use super::reader::{Kind, Place, Problem, Reference};
use crate::directory::plan::DEFAULT_CLASS;
use crate::directory::{Directory, Domain, Origin, Speech, User};
use std::collections::BTreeMap;

impl Source {
    /// Everything that is wrong, in the order of the files, if this is to replace what `previous` has from files. The users that
    /// were imported there stay.
    pub fn check(&mut self, previous: &Directory, speech: &Speech) -> Vec<Problem> {
        // What is half read would only be blamed for what the other half says.
        if self.is_toml {
            self.check_references(previous);
            self.check_extensions();
            self.check_numbers();
            self.check_imported(previous);
            self.check_speech(speech);
        }
        let mut problems = std::mem::take(&mut self.found.problems);
        problems.sort_by_key(|problem| (self.found.files.iter().position(|file| *file == problem.file), problem.line));
        problems
    }

    /// Whether a user of `previous` was imported and is not named by these files.
    pub fn leaves_alone(&self, previous: &Directory, user: &User) -> bool {
        user.origin() == Origin::Import && !self.found.knows(Kind::User, &previous.aor(user))
    }

    /// The AORs of the users that `text` may mean: a name or extension, with or without a domain.
    pub fn users_meant(&self, text: &str, previous: &Directory) -> Vec<String> {
        let (name, host) = match text.rsplit_once('@') {
            Some((name, host)) => (name, Some(host)),
            None => (text, None),
        };
        let mut meant = Vec::new();
        for domain in &self.model.domains {
            let is_meant = |host: &str| *domain.name == *host || domain.aliases.iter().any(|alias| **alias == *host);
            if !host.is_none_or(is_meant) {
                continue;
            }
            let aor = format!("{name}@{}", domain.name);
            let by_extension =
                || self.users.iter().find(|user| user.domain == domain.name && user.extension.as_deref() == Some(name));
            let imported = || {
                let user = previous.user_or_extension(previous.domain(&domain.name)?, name)?;
                Some(previous.aor(user)).filter(|_| self.leaves_alone(previous, user))
            };
            if self.found.knows(Kind::User, &aor) {
                meant.push(aor);
            } else if self.found.knows(Kind::Extension, &aor) {
                meant.extend(by_extension().map(|user| format!("{}@{}", user.name, user.domain)));
            } else {
                meant.extend(imported());
            }
        }
        meant
    }

    fn check_references(&mut self, previous: &Directory) {
        let groups = self.model.numbers.iter().map(|number| number.group.to_string());
        let groups = groups.chain(GROUPS.map(str::to_owned)).map(|group| (Kind::Group, group));
        for name in groups.chain([(Kind::Class, DEFAULT_CLASS.to_owned())]) {
            self.found.names.entry(name).or_insert(Place { file: 0, line: 0 });
        }
        for reference in std::mem::take(&mut self.found.references) {
            if let Some(message) = self.wrong_with(&reference, previous) {
                self.found.problem(reference.place, &reference.key, message);
            }
        }
    }

    fn wrong_with(&self, Reference { kind, name, .. }: &Reference, previous: &Directory) -> Option<String> {
        let known = self.found.knows(*kind, name);
        let exists = match kind {
            Kind::Domain => {
                let alias = |domain: &&Domain| domain.aliases.iter().any(|alias| **alias == **name);
                if let Some(domain) = self.model.domains.iter().find(alias) {
                    return Some(format!("\"{name}\" is an alias; name the domain itself, \"{}\"", domain.name));
                }
                known
            }
            Kind::Member => match &*self.users_meant(name, previous) {
                [] => false,
                [_] => true,
                several => return Some(format!("\"{name}\" may be {}; name the domain", several.join(" or "))),
            },
            Kind::User => !self.users_meant(name, previous).is_empty(),
            Kind::Voicemail => known || !self.users_meant(name, previous).is_empty(),
            Kind::Region
            | Kind::Site
            | Kind::Schedule
            | Kind::Class
            | Kind::Number
            | Kind::Group
            | Kind::Menu
            | Kind::Queue
            | Kind::Conference
            | Kind::Parking
            | Kind::Music
            | Kind::Trunk
            | Kind::Extension => known,
        };
        if exists {
            return None;
        }
        let word = kind.word();
        let near = if matches!(kind, Kind::User | Kind::Member) {
            super::suggest::nearest(name, self.users.iter().map(|user| &*user.name))
        } else {
            self.found.nearest(*kind, name)
        };
        Some(match near {
            Some(near) => format!("there is no {word} \"{name}\"; did you mean \"{near}\"?"),
            None => format!("there is no {word} \"{name}\""),
        })
    }

    /// A name that is another user's extension would hide it.
    fn check_extensions(&mut self) {
        let mut hidden = Vec::new();
        for user in &self.users {
            let Some(extension) = user.extension.as_ref().filter(|extension| **extension != user.name) else {
                continue;
            };
            if self.found.knows(Kind::User, &format!("{extension}@{}", user.domain)) {
                hidden.push((
                    user.place,
                    format!("user {}: extension", user.name),
                    format!("{extension} is another user's name"),
                ));
            }
        }
        for (place, key, message) in hidden {
            self.found.problem(place, &key, message);
        }
    }

    /// A number that is a user's name or extension in every domain is never reached.
    fn check_numbers(&mut self) {
        let is_user = |number: &str, domain: &Domain| {
            let there = format!("{number}@{}", domain.name);
            self.found.knows(Kind::Extension, &there) || self.found.knows(Kind::User, &there)
        };
        let mut hidden = Vec::new();
        for ((kind, number), place) in &self.found.names {
            let domains = &self.model.domains;
            if *kind == Kind::Number && !domains.is_empty() && domains.iter().all(|domain| is_user(number, domain)) {
                hidden.push((*place, format!("number {number}")));
            }
        }
        for (place, key) in hidden {
            self.found.problem(place, &key, "is a user's extension, so that it is never reached");
        }
    }

    /// Texts that nobody could hear: the first one stands for all.
    fn check_speech(&mut self, speech: &Speech) {
        let Speech::Impossible(why) = speech else { return };
        let Some((place, key)) = self.found.says.iter().min_by_key(|(place, _)| *place).cloned() else { return };
        let others = match self.found.says.len() {
            1 => String::new(),
            several => format!(" ({} more like it)", several - 1),
        };
        self.found.problem(place, &key, format!("no media node can speak it: {why}; or play a file instead{others}"));
    }

    /// What the imported users that stay need, and what they have that these files give to others.
    fn check_imported(&mut self, previous: &Directory) {
        let mut missing: BTreeMap<String, (usize, String)> = BTreeMap::new();
        let mut taken: Vec<(Place, String, String)> = Vec::new();
        for user in previous.users().filter(|user| self.leaves_alone(previous, user)) {
            let domain = previous.domain_name(user);
            let aor = previous.aor(user);
            let class = previous.own_class_name(user);
            let needs = [
                self.model.domains.iter().all(|known| *known.name != *domain).then(|| format!("domain \"{domain}\"")),
                class.filter(|class| !self.found.knows(Kind::Class, class)).map(|class| format!("class \"{class}\"")),
            ];
            for need in needs.into_iter().flatten() {
                missing.entry(need).or_insert((0, aor.clone())).0 += 1;
            }
            let extension = user.extension().map(|extension| format!("{extension}@{domain}"));
            let clashes = [
                (Kind::Extension, extension.as_ref(), "the extension"),
                (Kind::User, extension.as_ref(), "the extension"),
                (Kind::Extension, Some(&aor), "the name"),
            ];
            for (kind, text, what) in clashes {
                let place = text.and_then(|text| self.found.names.get(&(kind, text.clone())));
                if let (Some(place), Some(text)) = (place, text) {
                    let number = text.split('@').next().unwrap_or_default();
                    taken.push((
                        *place,
                        kind.word().to_owned(),
                        format!("{number} is {what} of {aor}, who was imported"),
                    ));
                }
            }
        }
        for (place, key, message) in taken {
            self.found.problem(place, &key, message);
        }
        for (what, (count, first)) in missing {
            let message = match count {
                1 => format!("{what} is missing, but the imported user {first} needs it"),
                _ => format!("{what} is missing, but {count} imported users need it, such as {first}"),
            };
            self.found.problem(Place { file: 0, line: 0 }, "", message);
        }
    }
}
