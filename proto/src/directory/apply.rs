//! Directory files become the next directory, or a list of everything that is wrong with them.

use super::Directory;
use super::buckets::{self, BUCKETS, Bucket};
use super::difference::{self, Change};
use super::model::Model;
use super::parts::encode;
use super::plan::Plan;
use super::source::{Problem, Source, SourceUser};
use super::speech::Speech;
use super::symbols::{Symbols, TooManyNames};
use super::user::{Origin, User, UserParts};
use crate::wire::SourceFile;
use std::sync::Arc;

/// Users to be, by bucket, with their hash.
type Buckets = Vec<Vec<(u64, User)>>;

impl Directory {
    /// What these files say, in place of all that files said before.
    ///
    /// The files are read as one directory; what is in none of them goes. Users that came by [`Directory::import`] stay as they
    /// are, unless a file names the same user, which then belongs to the file. On any problem there is no new directory.
    pub fn apply(&self, files: &[SourceFile]) -> Result<Change, Vec<Problem>> {
        self.apply_where(files, &Speech::Possible)
    }

    /// The same in an exchange that can speak or cannot: there, a text to be spoken is a problem.
    pub fn apply_where(&self, files: &[SourceFile], speech: &Speech) -> Result<Change, Vec<Problem>> {
        let mut source = Source::read(files);
        let problems = source.check(self, speech);
        if !problems.is_empty() {
            return Err(problems);
        }
        source.name_queue_members(self);
        let mut symbols = self.symbols.clone();
        let named = by_bucket(Arc::make_mut(&mut symbols), &source.users).map_err(|why| vec![Problem::of_all(&why)])?;
        let mut replaced = Vec::new();
        for (index, mut users) in named.into_iter().enumerate() {
            let before = self.users.bucket(index);
            let kept = before.entries().filter(|(_, user)| source.leaves_alone(self, user));
            users.extend(kept.map(|(hash, user)| (hash, user.clone())));
            replaced.push((index, users));
        }
        Ok(self.changed(symbols, source.model, replaced))
    }

    /// This directory with another model and other users in some buckets.
    pub(super) fn changed(&self, symbols: Arc<Symbols>, model: Model, users: Vec<(usize, Vec<(u64, User)>)>) -> Change {
        let mut replaced = Vec::new();
        for (index, users) in users {
            let before = self.users.bucket(index);
            let mut after = Bucket::new(0, users);
            if before.items() != after.items() {
                after.version = buckets::version(&encode(&symbols, after.items()));
                replaced.push((index, after));
            }
        }
        let mut difference = difference::of_models(self.model(), &model);
        let plan = match model == *self.model() {
            true => self.plan.clone(),
            false => {
                let version = buckets::version(&model.encode());
                Arc::new(Plan::new(model, version))
            }
        };
        let touched: Vec<usize> = replaced.iter().map(|(index, _)| *index).collect();
        let mut directory = Directory { plan, ..self.with_buckets(symbols, replaced) };
        difference.extend(self.user_difference(&directory, &touched));
        if !difference.is_empty() {
            directory.generation += 1;
        }
        Change { directory, difference }
    }

    fn user_difference(&self, after: &Directory, touched: &[usize]) -> Vec<String> {
        let mut lines = Vec::new();
        for &index in touched {
            let (old, new) = (self.users.bucket(index), after.users.bucket(index));
            for (hash, user) in old.entries() {
                let now = after.users.find(hash).iter().find(|other| other.is_same_as(user));
                if now != Some(user) {
                    lines.push((self.aor(user), difference::of_user(Some((self, user)), now.map(|now| (after, now)))));
                }
            }
            for (hash, user) in new.entries() {
                if !self.users.find(hash).iter().any(|other| other.is_same_as(user)) {
                    lines.push((after.aor(user), difference::of_user(None, Some((after, user)))));
                }
            }
        }
        lines.sort();
        lines.into_iter().filter_map(|(_, line)| line).collect()
    }
}

impl Source {
    /// Gives each member of a queue its whole AOR.
    fn name_queue_members(&mut self, previous: &Directory) {
        let mut queues = std::mem::take(&mut self.model.queues);
        for member in queues.iter_mut().flat_map(|queue| &mut queue.members) {
            if let Some(aor) = self.users_meant(&member.user, previous).into_iter().next() {
                member.user = aor.into();
            }
        }
        self.model.queues = queues;
    }
}

fn by_bucket(symbols: &mut Symbols, users: &[SourceUser]) -> Result<Buckets, TooManyNames> {
    let mut buckets: Buckets = vec![Vec::new(); BUCKETS];
    for user in users {
        let mut intern = |name: &Option<Box<str>>| name.as_ref().map(|name| symbols.intern(name)).transpose();
        let (class, site) = (intern(&user.class)?, intern(&user.site)?);
        let hash = buckets::hash(&user.name, &user.domain);
        let built = User::new(UserParts {
            name: &user.name,
            extension: user.extension.as_deref().unwrap_or_default(),
            caller_id: user.caller_id.as_deref().unwrap_or_default(),
            hashes: user.hashes,
            ring: user.ring,
            domain: symbols.intern(&user.domain)?,
            class,
            site,
            contacts: user.contacts,
            media: user.media,
            origin: Origin::File,
            rare: user.rare.clone(),
        });
        buckets[buckets::bucket_of(hash)].push((hash, built));
    }
    Ok(buckets)
}

impl Problem {
    /// One that concerns no single line.
    pub(super) fn of_all(why: &impl ToString) -> Problem {
        Problem { file: String::new(), line: 0, key: String::new(), message: why.to_string() }
    }
}

#[cfg(test)]
pub mod tests;
