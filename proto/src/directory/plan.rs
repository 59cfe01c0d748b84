//! The model with its indexes: hosts, networks and the dial plan.

use super::buckets;
use super::model::{Class, Domain, Model, Region, Site};
use super::network::Networks;
use super::pattern::{Match, PatternTree};
use std::collections::HashMap;
use std::net::IpAddr;

/// Everything but users, ready to be asked.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What it was made from.
    pub model: Model,
    /// Hash of part 0.
    pub version: u64,
    /// Names and aliases in lower case, with the domain's position.
    hosts: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
    regions: Networks,
    sites: Networks,
    /// What is dialled exactly.
    exact: HashMap<Box<str>, Service, foldhash::fast::RandomState>,
    /// Positions of numbers.
    patterns: PatternTree<usize>,
    /// Longest first, with the site's position.
    prefixes: Vec<(Box<str>, usize)>,
    default_class: Class,
}

/// What a number that is dialled exactly belongs to, by its position in the model's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// A `[[number]]`.
    Number(usize),
    /// The number of a conference.
    Conference(usize),
    /// The number of a shared voicemail box.
    Mailbox(usize),
    /// The number of a parking lot.
    Park(usize),
    /// A slot of a parking lot.
    Slot(usize),
}

/// A host name as the directory has it: in lower case, without `[]` or a dot at its end.
struct Host {
    text: [u8; Host::LONGEST],
    length: usize,
}

impl Host {
    /// Of a name in the DNS (RFC 1035 §2.3.4).
    const LONGEST: usize = 255;

    /// `None` for what is too long to be one.
    fn plain(written: &str) -> Option<Host> {
        let host = written.strip_suffix('.').unwrap_or(written);
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let mut text = [0; Host::LONGEST];
        text.get_mut(..host.len())?.copy_from_slice(host.as_bytes());
        text[..host.len()].make_ascii_lowercase();
        Some(Host { text, length: host.len() })
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.text[..self.length]).expect("letters of ASCII changed their case, nothing else did")
    }
}

/// The class of users where neither they nor their domain name one; a `[[class]]` of this name replaces the built-in one.
pub const DEFAULT_CLASS: &str = "default";

/// The group of other users, by name or extension.
pub const EXTENSIONS: &str = "extensions";

/// The group of conferences, voicemail boxes and parking lots.
pub const SERVICES: &str = "services";

/// What the built-in class allows.
const DEFAULT_GROUPS: [&str; 3] = [EXTENSIONS, SERVICES, "emergency"];

impl Plan {
    /// Builds the indexes. Of duplicates, which the parser refuses, the first counts.
    pub fn new(model: Model, version: u64) -> Plan {
        let mut hosts = HashMap::default();
        for (i, domain) in model.domains.iter().enumerate() {
            for host in [&domain.name].into_iter().chain(&domain.aliases) {
                hosts.entry(host.to_ascii_lowercase().into()).or_insert(i);
            }
        }
        let mut exact = HashMap::default();
        let mut patterns = PatternTree::default();
        for (i, number) in model.numbers.iter().enumerate() {
            match &number.pattern {
                Match::Exact(number) => _ = exact.entry(number.clone()).or_insert(Service::Number(i)),
                Match::Pattern(pattern) => patterns.insert(pattern, i),
            }
        }
        for (number, service) in services(&model) {
            exact.entry(number).or_insert(service);
        }
        let mut prefixes: Vec<(Box<str>, usize)> =
            model.sites.iter().enumerate().filter_map(|(i, site)| Some((site.prefix.clone()?, i))).collect();
        prefixes.sort_by_key(|(prefix, i)| (std::cmp::Reverse(prefix.len()), *i));
        Plan {
            regions: Networks::new(model.regions.iter().map(|region| &*region.networks)),
            sites: Networks::new(model.sites.iter().map(|site| &*site.networks)),
            default_class: Class { name: DEFAULT_CLASS.into(), allow: DEFAULT_GROUPS.map(Into::into).into() },
            model,
            version,
            hosts,
            exact,
            patterns,
            prefixes,
        }
    }

    /// A plan that knows nothing.
    pub fn empty() -> Plan {
        let model = Model::default();
        let version = buckets::version(&model.encode());
        Plan::new(model, version)
    }

    /// The domain with this name or alias, in either case, with or without `[]` or a dot at its end.
    pub fn domain(&self, host: &str) -> Option<&Domain> {
        // Nearly always written as the directory has it.
        let found = self.hosts.get(host).or_else(|| self.hosts.get(Host::plain(host)?.as_str()))?;
        Some(&self.model.domains[*found])
    }

    /// The class of this name, the built-in one included.
    pub fn class(&self, name: &str) -> Option<&Class> {
        let found = find(&self.model.classes, name, |class| &class.name);
        found.or(Some(&self.default_class).filter(|_| name == DEFAULT_CLASS))
    }

    /// The site of this name.
    pub fn site(&self, name: &str) -> Option<&Site> {
        find(&self.model.sites, name, |site| &site.name)
    }

    /// The region of this name.
    pub fn region(&self, name: &str) -> Option<&Region> {
        find(&self.model.regions, name, |region| &region.name)
    }

    /// The region that an address lies in.
    pub fn region_of(&self, address: IpAddr) -> Option<&Region> {
        self.regions.owner(address).map(|i| &self.model.regions[i])
    }

    /// The site that an address lies in.
    pub fn site_of(&self, address: IpAddr) -> Option<&Site> {
        self.sites.owner(address).map(|i| &self.model.sites[i])
    }

    /// What exactly this number belongs to.
    pub fn exact(&self, number: &str) -> Option<Service> {
        self.exact.get(number).copied()
    }

    /// The position of the most specific pattern that the number meets.
    pub fn pattern(&self, number: &str) -> Option<usize> {
        self.patterns.find(number)
    }

    /// Sites whose prefix the number begins with, the longest prefix first, each with the rest of the number.
    pub fn prefixed<'a>(&'a self, number: &'a str) -> impl Iterator<Item = (&'a Site, &'a str)> {
        self.prefixes
            .iter()
            .filter_map(move |(prefix, i)| Some((&self.model.sites[*i], number.strip_prefix(&**prefix)?)))
    }
}

/// The one of this name in a list that is ordered by name.
pub fn find<'a, T>(list: &'a [T], name: &str, name_of: impl Fn(&T) -> &str) -> Option<&'a T> {
    list.binary_search_by(|item| name_of(item).cmp(name)).ok().map(|i| &list[i])
}

/// The numbers of conferences, voicemail boxes and parking lots.
pub fn services(model: &Model) -> impl Iterator<Item = (Box<str>, Service)> {
    let conferences =
        model.conferences.iter().enumerate().map(|(i, room)| (room.number.clone(), Service::Conference(i)));
    let boxes = model.voicemail.iter().enumerate();
    let boxes = boxes.filter_map(|(i, shared)| Some((shared.number.clone()?, Service::Mailbox(i))));
    let lots = model.parking.iter().enumerate().flat_map(|(i, lot)| {
        let slots = (lot.slots.from..=lot.slots.to).map(move |slot| (slot.to_string().into(), Service::Slot(i)));
        std::iter::once((lot.number.clone(), Service::Park(i))).chain(slots)
    });
    conferences.chain(boxes).chain(lots)
}
