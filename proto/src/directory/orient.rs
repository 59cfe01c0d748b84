//! What a dialled number means for the one who dials it, and why.

use super::Directory;
use super::destination::Destination;
use super::model::{Class, Domain, Number};
use super::pattern::is_dialable;
use super::plan::{EXTENSIONS, SERVICES, Service};
use super::target::Target;
use super::user::User;
use std::borrow::Cow;
use std::fmt::Arguments;
use std::net::IpAddr;

/// Who calls, after authentication.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// `user@domain`.
    pub aor: &'a str,
    /// Where the request came from, if that is known.
    pub ip: Option<IpAddr>,
}

/// What a Request-URI asks for.
#[derive(Debug, Clone, Copy)]
pub struct Dialled<'a> {
    /// Its user part without escapes: a name or a number.
    pub user: &'a str,
    /// Its host, without port.
    pub host: &'a str,
    /// Its `gr` parameter without escapes (GRUU, RFC 5627).
    pub gr: Option<&'a str>,
}

impl<'a> Dialled<'a> {
    /// A name or number without `gr`.
    pub fn new(user: &'a str, host: &'a str) -> Dialled<'a> {
        Dialled { user, host, gr: None }
    }
}

/// Why there is no call: a SIP status with the reason phrase that the caller is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {reason}")]
pub struct Refusal {
    /// 403 or 404.
    pub status: u16,
    /// Reason phrase: one line, which may hold names of the directory.
    pub reason: Cow<'static, str>,
}

impl Refusal {
    const NOT_FOUND: Refusal = Refusal { status: 404, reason: Cow::Borrowed("Not Found") };

    fn forbidden(reason: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { status: 403, reason: reason.into() }
    }
}

/// How a decision came about, in sentences for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Each rule that had a say, the outcome last.
    pub steps: Vec<String>,
    /// Where the call goes.
    pub outcome: Result<Target, Refusal>,
}

/// Hears of each rule that has a say.
pub(super) trait Trace {
    fn step(&mut self, step: Arguments<'_>);
}

/// Of no interest: what a real call uses.
struct Silent;

impl Trace for Silent {
    #[inline]
    fn step(&mut self, _: Arguments<'_>) {}
}

impl Trace for Vec<String> {
    fn step(&mut self, step: Arguments<'_>) {
        self.push(step.to_string());
    }
}

/// The longest number that has a meaning, in bytes.
const MAX_DIALLED: usize = 128;

impl Directory {
    /// Where a call goes.
    ///
    /// First the host must be one of our domains: nobody is relayed elsewhere. Then, in this order: a user of that name; a user of
    /// that extension; a number, conference, voicemail box or parking lot that is exactly this; a site's prefix and the extension
    /// of a user there; the most specific pattern. The caller's class must allow the group of what was found.
    pub fn orient(&self, caller: &Caller<'_>, dialled: &Dialled<'_>) -> Result<Target, Refusal> {
        self.decide(caller, dialled, &mut Silent)
    }

    /// The same decision with its reasons, for `tandem explain`.
    ///
    /// `caller` is a name or extension, with `@domain` where several domains have it; `number` is a name or number, with or without
    /// `sip:` and `@host`.
    pub fn explain(&self, caller: &str, number: &str) -> Explanation {
        let mut steps = Vec::new();
        let outcome = self.explained(caller, number, &mut steps);
        steps.push(match &outcome {
            Ok(Target::Say(text)) => format!("→ say:{text}"),
            Ok(target) => format!("→ {target}"),
            Err(refusal) => format!("→ {refusal}"),
        });
        Explanation { steps, outcome }
    }

    fn explained(&self, caller: &str, number: &str, steps: &mut Vec<String>) -> Result<Target, Refusal> {
        let caller = caller.strip_prefix("sip:").unwrap_or(caller);
        let user = match *self.users_meant(caller) {
            [user] => user,
            [] => {
                steps.push(format!("no user has the name or extension {caller}"));
                return Err(Refusal::forbidden("Caller is no user of this exchange"));
            }
            ref several => {
                let all: Vec<String> = several.iter().map(|user| self.aor(user)).collect();
                steps.push(format!("{caller} may be {}: name the domain", all.join(" or ")));
                return Err(Refusal::forbidden("Caller is ambiguous"));
            }
        };
        let aor = self.aor(user);
        let number = number.strip_prefix("sip:").unwrap_or(number);
        let (number, parameters) = number.split_once(';').unwrap_or((number, ""));
        let (number, host) = number.rsplit_once('@').unwrap_or((number, self.domain_name(user)));
        let host = match host.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
                port.parse::<u16>().map_or(host, |_| name)
            }
            Some(_) | None => host,
        };
        let gr = parameters.split(';').find_map(|parameter| parameter.strip_prefix("gr="));
        self.decide(&Caller { aor: &aor, ip: None }, &Dialled { user: number, host, gr }, steps)
    }

    fn decide(&self, caller: &Caller<'_>, dialled: &Dialled<'_>, trace: &mut impl Trace) -> Result<Target, Refusal> {
        let host = dialled.host;
        let user = self.user(caller.aor);
        let Some(domain) = self.domain(host) else {
            trace.step(format_args!("{host} is no domain of this exchange"));
            return Err(match user {
                Some(_) => Refusal::forbidden("Not relaying to other domains"),
                None => Refusal::NOT_FOUND,
            });
        };
        if *domain.name != *host {
            trace.step(format_args!("{host} is an alias of {}", domain.name));
        }
        let Some((user, class)) = user.and_then(|user| Some((user, self.class(user)?))) else {
            trace.step(format_args!("{} is no user of this exchange", caller.aor));
            return Err(Refusal::forbidden("Caller is no user of this exchange"));
        };
        let (aor, groups) = (Aor(self, user), List(&class.allow));
        trace.step(format_args!("{aor} is in class {} ({groups})", class.name));
        if let Some(site) = self.site_of_caller(user, caller.ip) {
            trace.step(format_args!("{aor} is at site {}", site.name));
        }
        let meaning = Meaning { directory: self, user, class, domain, number: dialled.user };
        meaning.find(dialled.gr, trace)
    }
}

/// One decision: who asks, by which class, for which number of which domain.
struct Meaning<'a> {
    directory: &'a Directory,
    user: &'a User,
    class: &'a Class,
    domain: &'a Domain,
    number: &'a str,
}

impl Meaning<'_> {
    fn find(&self, gr: Option<&str>, trace: &mut impl Trace) -> Result<Target, Refusal> {
        let Meaning { directory, domain, number, .. } = *self;
        let plan = &directory.plan;
        if number.is_empty() || number.len() > MAX_DIALLED {
            trace.step(format_args!("there is no number, or one of more than {MAX_DIALLED} characters"));
            return Err(Refusal::NOT_FOUND);
        }
        if let Some(called) = directory.user_in(domain, number) {
            trace.step(format_args!("{number} is the name of {}", Aor(directory, called)));
            return self.call(called, gr, trace);
        }
        if let Some(called) = directory.user_by_extension(domain, number) {
            trace.step(format_args!("{number} is the extension of {}", Aor(directory, called)));
            return self.call(called, gr, trace);
        }
        if let Some(service) = plan.exact(number) {
            return self.reach(service, trace);
        }
        for (site, extension) in plan.prefixed(number) {
            let there = |user: &&User| directory.site(user).is_some_and(|other| other.name == site.name);
            if let Some(called) = directory.user_by_extension(domain, extension).filter(there) {
                trace.step(format_args!(
                    "{number} is the prefix of site {} and {extension}, the extension of {}",
                    site.name,
                    Aor(directory, called)
                ));
                return self.call(called, gr, trace);
            }
        }
        // What a pattern's `.` lets through goes out to trunks: nothing that could end a URI may be in it.
        let found = if number.chars().all(is_dialable) { plan.pattern(number) } else { None };
        let Some(i) = found else {
            trace.step(format_args!("{number} is no user, number or service of {}", domain.name));
            return Err(Refusal::NOT_FOUND);
        };
        let rule = &plan.model.numbers[i];
        trace.step(format_args!("{number} meets {} best, in group {}", rule.pattern, rule.group));
        self.follow(rule, trace)
    }

    fn call(&self, called: &User, gr: Option<&str>, trace: &mut impl Trace) -> Result<Target, Refusal> {
        self.allow(EXTENSIONS, trace)?;
        let instance = gr.filter(|gr| !gr.is_empty()).map(str::to_owned);
        if let Some(instance) = &instance {
            trace.step(format_args!("only its binding with the instance {instance} is meant"));
        }
        Ok(Target::User { aor: self.directory.aor(called), instance })
    }

    fn reach(&self, service: Service, trace: &mut impl Trace) -> Result<Target, Refusal> {
        let Meaning { directory, number, .. } = *self;
        let model = &directory.plan.model;
        let target = match service {
            Service::Number(i) => {
                trace.step(format_args!("{number} is a number in group {}", model.numbers[i].group));
                return self.follow(&model.numbers[i], trace);
            }
            Service::Conference(i) => {
                trace.step(format_args!("{number} is the number of conference {}", model.conferences[i].name));
                Target::Conference(model.conferences[i].name.to_string())
            }
            Service::Mailbox(_) if self.user.voicemail().is_some() => {
                trace.step(format_args!("{number} opens the caller's own voicemail box"));
                Target::Mailbox(directory.aor(self.user))
            }
            Service::Mailbox(i) => {
                trace.step(format_args!("{number} opens the voicemail box {}", model.voicemail[i].name));
                Target::Mailbox(model.voicemail[i].name.to_string())
            }
            Service::Park(i) => {
                trace.step(format_args!("{number} parks in {}", model.parking[i].name));
                Target::Parking { lot: model.parking[i].name.to_string(), slot: None }
            }
            Service::Slot(i) => {
                trace.step(format_args!("{number} is a slot of parking lot {}", model.parking[i].name));
                Target::Parking { lot: model.parking[i].name.to_string(), slot: Some(number.to_owned()) }
            }
        };
        self.allow(SERVICES, trace)?;
        Ok(target)
    }

    fn follow(&self, rule: &Number, trace: &mut impl Trace) -> Result<Target, Refusal> {
        self.allow(&rule.group, trace)?;
        let number = match &rule.rewrite {
            Some(rewrite) => {
                let rewritten = rewrite.fill(self.number);
                trace.step(format_args!("{} is rewritten by {rewrite} to {rewritten}", self.number));
                Cow::Owned(rewritten)
            }
            None => Cow::Borrowed(self.number),
        };
        if let Destination::Trunk(trunk) = &rule.to {
            return Ok(Target::Trunk { trunk: trunk.to_string(), number: number.into_owned() });
        }
        let target = self.directory.resolve(&rule.to, self.domain, self.user, &number);
        target.ok_or_else(|| {
            trace.step(format_args!("{} leads to nobody for {number}", rule.to));
            Refusal::NOT_FOUND
        })
    }

    fn allow(&self, group: &str, trace: &mut impl Trace) -> Result<(), Refusal> {
        let class = &self.class.name;
        if self.class.allows(group) {
            trace.step(format_args!("class {class} allows {group}"));
            return Ok(());
        }
        trace.step(format_args!("class {class} does not allow {group}"));
        Err(Refusal::forbidden(format!("Class {class} may not dial {group}")))
    }
}

impl Directory {
    /// What a destination means for a call that was placed to `number` of `domain`; `owner` is whose voicemail box a plain
    /// `voicemail` is. `None`: it names nobody.
    pub fn resolve(&self, to: &Destination, domain: &Domain, owner: &User, number: &str) -> Option<Target> {
        let user = |name: &str| -> Option<&User> {
            match name.rsplit_once('@') {
                Some((name, host)) => self.user_or_extension(self.domain(host)?, name),
                None => self.user_or_extension(domain, name),
            }
        };
        Some(match to {
            Destination::User(name) => Target::user(self.aor(user(&name.fill(number))?)),
            Destination::Echo => Target::Echo,
            Destination::Say(text) => Target::Say(text.to_string()),
            Destination::Play(sound) => Target::Play(sound.to_string()),
            Destination::Hangup => Target::Hangup,
            Destination::Menu(menu) => Target::Menu(menu.to_string()),
            Destination::Queue(queue) => Target::Queue(queue.to_string()),
            Destination::Conference(conference) => Target::Conference(conference.to_string()),
            Destination::OwnVoicemail => Target::Voicemail(self.aor(owner)),
            Destination::Voicemail(name) => {
                let name = name.fill(number);
                match self.shared_box(&name) {
                    Some(shared) => Target::Voicemail(shared.name.to_string()),
                    None => Target::Voicemail(self.aor(user(&name)?)),
                }
            }
            Destination::Parking(lot) => Target::Parking { lot: lot.to_string(), slot: None },
            Destination::Trunk(trunk) => Target::Trunk { trunk: trunk.to_string(), number: number.to_owned() },
        })
    }
}

/// A user's AOR, written without being put together.
struct Aor<'a>(&'a Directory, &'a User);

impl std::fmt::Display for Aor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.1.name(), self.0.domain_name(self.1))
    }
}

/// Names with commas between them.
struct List<'a>(&'a [Box<str>]);

impl std::fmt::Display for List<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, name) in self.0.iter().enumerate() {
            f.write_str(if i > 0 { ", " } else { "" })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
