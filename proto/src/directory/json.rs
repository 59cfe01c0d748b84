//! The directory as JSON for `tandem get`: without passwords, hashes or PINs.

use super::Directory;
use super::model::Media;
use super::text::{Span, without_secrets};
use super::user::{Origin, User, WhenFull};
use serde_json::{Map, Value, json};

impl Directory {
    /// Everything but users, and how many of those there are.
    pub fn to_json(&self) -> Value {
        let mut value = serde_json::to_value(self.model()).expect("the model holds nothing that JSON cannot hold");
        without_secrets(&mut value);
        value["generation"] = self.generation().into();
        value["users"] = self.user_count().into();
        value
    }

    /// One page of users in the order of domain and name: up to `limit` (0 = all) of those behind `after` (`user@domain`), of one
    /// domain (its name or an alias) or of all.
    pub fn users_to_json(&self, domain: Option<&str>, after: Option<&str>, limit: usize) -> Value {
        let domain = match domain {
            Some(host) => match self.domain(host) {
                Some(domain) => Some(&*domain.name),
                None => return json!([]),
            },
            None => None,
        };
        let after = after.and_then(|after| after.rsplit_once('@')).map(|(name, domain)| (domain, name));
        let mut users: Vec<&User> = self.users().collect();
        users.retain(|user| {
            let (own, name) = self.order(user);
            domain.is_none_or(|domain| own == domain) && after.is_none_or(|after| (own, name) > after)
        });
        if limit > 0 && limit < users.len() {
            users.select_nth_unstable_by(limit, |a, b| self.order(a).cmp(&self.order(b)));
            users.truncate(limit);
        }
        users.sort_unstable_by(|a, b| self.order(a).cmp(&self.order(b)));
        users.into_iter().map(|user| Value::Object(self.describe(user))).collect()
    }

    fn order<'a>(&'a self, user: &'a User) -> (&'a str, &'a str) {
        (self.domain_name(user), user.name())
    }

    /// What `get` shows of a user, and what the difference compares.
    pub(super) fn describe(&self, user: &User) -> Map<String, Value> {
        let mut shown = Map::new();
        let mut show = |key: &str, value: Value| {
            if !value.is_null() {
                shown.insert(key.to_owned(), value);
            }
        };
        show("name", user.name().into());
        show("domain", self.domain_name(user).into());
        show("extension", user.extension().into());
        show("caller_id", user.caller_id().into());
        show("class", self.own_class_name(user).into());
        show("site", self.own_site_name(user).into());
        show("ring", Span(user.ring()).to_string().into());
        show("contacts", user.contacts().limit.into());
        show(
            "when_full",
            match user.contacts().when_full {
                WhenFull::OldestGoes => "oldest goes".into(),
                WhenFull::Refuse => "refuse".into(),
            },
        );
        show(
            "media",
            match user.media() {
                None => Value::Null,
                Some(Media::Anchored) => "anchored".into(),
                Some(Media::Direct) => "direct".into(),
            },
        );
        show(
            "origin",
            match user.origin() {
                Origin::File => "file".into(),
                Origin::Import => "import".into(),
            },
        );
        if let Some(rare) = user.rare() {
            let mut rare = serde_json::to_value(rare).expect("it holds nothing that JSON cannot hold");
            without_secrets(&mut rare);
            shown.extend(rare.as_object_mut().map(std::mem::take).unwrap_or_default());
        }
        shown
    }
}
