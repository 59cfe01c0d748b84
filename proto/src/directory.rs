//! The directory: what the exchange knows of domains, users, numbers and services, as one immutable snapshot.
//!
//! [`Directory::apply`] reads directory files, [`Directory::import`] takes users from a list; each gives a new snapshot and the
//! difference, or every problem at once. [`Directory::to_parts`] and [`Directory::with_parts`] carry it to stores and members.
//! [`Directory::orient`] says what a dialled number means.

mod apply;
mod buckets;
mod country;
mod destination;
mod difference;
mod import;
mod in_force;
mod json;
pub mod model;
mod network;
mod orient;
mod parts;
mod pattern;
mod plan;
mod source;
mod speech;
mod symbols;
mod target;
mod text;
mod user;

pub use destination::{Destination, Template};
pub use difference::Change;
pub use model::{Class, Conference, Domain, Dtmf, Features, Media, Recording, Region, Site, Srtp};
pub use network::Network;
pub use orient::{Caller, Dialled, Explanation, Refusal};
pub use parts::PartError;
pub use pattern::{Match, Pattern};
pub use source::{Problem, nearest};
pub use speech::Speech;
pub use target::{Target, TargetError};
pub use text::{Secret, Span};
pub use user::{Contacts, Origin, User, WhenFull};

use buckets::Buckets;
use model::{Model, SharedBox};
use plan::{DEFAULT_CLASS, Plan, find};
use std::net::IpAddr;
use std::sync::Arc;
use symbols::Symbols;

/// The directory that an empty store begins with: two users, and something of everything.
pub const DEMO: &str = include_str!("../../deploy/examples/directory.toml");

/// The sounds that `play` and music know as `builtin:NAME`.
pub const BUILTIN_SOUNDS: [&str; 7] = ["chime", "morning", "dial", "ringback", "busy", "congestion", "information"];

/// An immutable snapshot; a clone shares everything.
#[derive(Debug, Clone)]
pub struct Directory {
    generation: u64,
    symbols: Arc<Symbols>,
    plan: Arc<Plan>,
    users: Buckets<User>,
    /// Hashes of users by the hash of their extension.
    extensions: Buckets<u64>,
}

impl Directory {
    /// A directory that knows nothing, of generation 0.
    pub fn empty() -> Directory {
        let nobody = buckets::version(&parts::encode(&Symbols::default(), &[]));
        Directory {
            generation: 0,
            symbols: Arc::default(),
            plan: Arc::new(Plan::empty()),
            users: Buckets::empty(nobody),
            extensions: Buckets::empty(0),
        }
    }

    /// How many changes led to it.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Everything but users.
    pub fn model(&self) -> &Model {
        &self.plan.model
    }

    /// The domain of this name or alias, in either case.
    pub fn domain(&self, host: &str) -> Option<&Domain> {
        self.plan.domain(host)
    }

    /// The user with this AOR, `bob@tandem.local`; its domain may be an alias.
    pub fn user(&self, aor: &str) -> Option<&User> {
        let (name, host) = aor.rsplit_once('@')?;
        self.user_in(self.domain(host)?, name)
    }

    /// The user of this name in a domain, in either case.
    pub fn user_in(&self, domain: &Domain, name: &str) -> Option<&User> {
        let found = self.users.find(buckets::hash(name, &domain.name));
        found.iter().find(|user| user.name().eq_ignore_ascii_case(name) && self.domain_name(user) == &*domain.name)
    }

    /// The user with this extension in a domain.
    pub fn user_by_extension(&self, domain: &Domain, extension: &str) -> Option<&User> {
        let is_it = |user: &&User| user.extension() == Some(extension) && self.domain_name(user) == &*domain.name;
        let hashes = self.extensions.find(buckets::hash(extension, &domain.name));
        hashes.iter().find_map(|hash| self.users.find(*hash).iter().find(is_it))
    }

    /// The user of this name or else of this extension in a domain.
    pub fn user_or_extension(&self, domain: &Domain, text: &str) -> Option<&User> {
        self.user_in(domain, text).or_else(|| self.user_by_extension(domain, text))
    }

    /// All users, in no order that means anything.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.items()
    }

    /// How many users there are.
    pub fn user_count(&self) -> usize {
        self.users.len()
    }

    /// `name@domain` of a user of this directory.
    pub fn aor(&self, user: &User) -> String {
        [user.name(), "@", self.domain_name(user)].concat()
    }

    /// The name of a user's domain.
    pub fn domain_name(&self, user: &User) -> &str {
        self.symbols.name(user.domain())
    }

    /// What a user may dial: the user's own class, else the domain's, else `default`.
    pub fn class(&self, user: &User) -> Option<&Class> {
        let name = match self.own_class_name(user) {
            Some(class) => class,
            None => self.domain(self.domain_name(user))?.class.as_deref().unwrap_or(DEFAULT_CLASS),
        };
        self.plan.class(name)
    }

    /// The site that a user belongs to.
    pub fn site(&self, user: &User) -> Option<&Site> {
        self.plan.site(self.own_site_name(user)?)
    }

    /// Whether the media between us and a user's phones is encrypted.
    pub fn srtp(&self, user: &User) -> Srtp {
        user.srtp().or_else(|| Some(self.domain(self.domain_name(user))?.srtp)).unwrap_or_default()
    }

    /// The codecs that a user's phones are offered and answered, the preferred one first; empty: all, in the phones' order.
    pub fn codecs<'d>(&'d self, user: &'d User) -> &'d [Box<str>] {
        match user.codecs() {
            [] => self.domain(self.domain_name(user)).map(|domain| &*domain.codecs).unwrap_or_default(),
            own => own,
        }
    }

    /// How keys come from a user's phones and go to them.
    pub fn dtmf(&self, user: &User) -> Dtmf {
        user.dtmf().or_else(|| Some(self.domain(self.domain_name(user))?.dtmf)).unwrap_or_default()
    }

    /// Which way the media of a user's calls takes: anchored where it must be encrypted, which nobody between two phones can ensure,
    /// and where it may be recorded, which nobody can do who does not have it.
    pub fn media(&self, user: &User) -> Media {
        if self.srtp(user) == Srtp::Required || user.record() != Recording::Never {
            return Media::Anchored;
        }
        user.media().or_else(|| Some(self.domain(self.domain_name(user))?.media)).unwrap_or_default()
    }

    /// The keys that do something during a call.
    pub fn features(&self) -> Option<&Features> {
        self.plan.model.features.as_ref()
    }

    /// All conferences.
    pub fn conferences(&self) -> &[Conference] {
        &self.plan.model.conferences
    }

    /// The conference of this name.
    pub fn conference(&self, name: &str) -> Option<&Conference> {
        self.conferences().iter().find(|conference| &*conference.name == name)
    }

    /// The region of this name.
    pub fn region(&self, name: &str) -> Option<&Region> {
        self.plan.region(name)
    }

    /// The region that an address lies in: of all regions' networks the longest prefix counts.
    pub fn region_of(&self, address: IpAddr) -> Option<&Region> {
        self.plan.region_of(address)
    }

    /// The site that an address lies in.
    pub fn site_of(&self, address: IpAddr) -> Option<&Site> {
        self.plan.site_of(address)
    }

    /// The name of the user's own class.
    fn own_class_name(&self, user: &User) -> Option<&str> {
        Some(self.symbols.name(user.class()?))
    }

    /// The name of the user's own site.
    fn own_site_name(&self, user: &User) -> Option<&str> {
        Some(self.symbols.name(user.site()?))
    }

    /// The language in which a user hears prompts: the user's own, else that of the region of the user's site, else that of the
    /// region that the address lies in.
    pub fn language<'a>(&'a self, user: &'a User, address: Option<IpAddr>) -> Option<&'a str> {
        let of_site = || self.region(self.site(user)?.region.as_deref()?)?.language.as_deref();
        let of_address = || self.region_of(address?)?.language.as_deref();
        user.language().or_else(of_site).or_else(of_address)
    }

    /// The site that a caller is at: by address, or else the user's own.
    fn site_of_caller(&self, user: &User, address: Option<IpAddr>) -> Option<&Site> {
        address.and_then(|address| self.site_of(address)).or_else(|| self.site(user))
    }

    /// Whether a rule of the dial plan is for exactly this number.
    fn is_number(&self, text: &str) -> bool {
        self.plan.model.numbers.iter().any(|number| matches!(&number.pattern, Match::Exact(exact) if **exact == *text))
    }

    fn shared_box(&self, name: &str) -> Option<&SharedBox> {
        find(&self.plan.model.voicemail, name, |shared| &shared.name)
    }

    /// The users of this name or extension, in one domain where the text has `@domain`, else in all.
    fn users_meant(&self, text: &str) -> Vec<&User> {
        let Some((name, host)) = text.rsplit_once('@') else {
            return self.plan.model.domains.iter().filter_map(|domain| self.user_or_extension(domain, text)).collect();
        };
        self.domain(host).and_then(|domain| self.user_or_extension(domain, name)).into_iter().collect()
    }
}
