//! What a directory asks for and this version does not do yet.

use super::Directory;
use super::destination::Destination;
use super::model::{Features, Forward};
use super::user::User;

impl Directory {
    /// What is read, checked and kept, and has no effect yet: one line a kind, for `apply` and `check` to say once.
    pub fn not_yet_in_force(&self) -> Vec<String> {
        let model = self.model();
        let mut lines = Vec::new();
        let mut named = |section: &str, names: Vec<&str>| {
            if !names.is_empty() {
                lines.push(format!("[[{section}]] {}", first_few(&names)));
            }
        };
        named("schedule", model.schedules.iter().map(|schedule| &*schedule.name).collect());
        named("menu", model.menus.iter().map(|menu| &*menu.name).collect());
        named("queue", model.queues.iter().map(|queue| &*queue.name).collect());
        named("voicemail", model.voicemail.iter().map(|shared| &*shared.name).collect());
        named("parking", model.parking.iter().map(|lot| &*lot.name).collect());
        named("music", model.music.iter().map(|music| &*music.name).collect());
        named("trunk", model.trunks.iter().map(|trunk| &*trunk.name).collect());
        if let Some(features) = &model.features {
            let Features { blind_transfer, attended_transfer, record: _, park, pickup } = features;
            let named = [
                ("blind_transfer", blind_transfer),
                ("attended_transfer", attended_transfer),
                ("park", park),
                ("pickup", pickup),
            ];
            let names: Vec<&str> = named.iter().filter(|(_, code)| code.is_some()).map(|(name, _)| *name).collect();
            if !names.is_empty() {
                lines.push(format!("[features] {}", first_few(&names)));
            }
        }
        let mut kept = |key: &str, has: &dyn Fn(&User) -> bool| match self.users().filter(|user| has(user)).count() {
            0 => {}
            1 => lines.push(format!("{key} of 1 user")),
            count => lines.push(format!("{key} of {count} users")),
        };
        kept("voicemail", &|user| user.voicemail().is_some());
        kept("forward (to what is not there yet)", &|user| {
            let Forward { busy, no_answer, offline } = user.forward();
            [busy, no_answer, offline].into_iter().flatten().any(|to| !is_reached(to))
        });
        lines
    }
}

/// Whether calls get there.
fn is_reached(to: &Destination) -> bool {
    match to {
        Destination::User(_) | Destination::Echo | Destination::Say(_) | Destination::Play(_) | Destination::Hangup => true,
        Destination::Menu(_)
        | Destination::Queue(_)
        // Unless by chance: a room has one shard, which a forwarded call need not be on.
        | Destination::Conference(_)
        | Destination::OwnVoicemail
        | Destination::Voicemail(_)
        | Destination::Parking(_)
        | Destination::Trunk(_) => false,
    }
}

fn first_few(names: &[&str]) -> String {
    const FEW: usize = 5;
    let first = names[..names.len().min(FEW)].join(", ");
    if names.len() > FEW { format!("{first} and {} more", names.len() - FEW) } else { first }
}
