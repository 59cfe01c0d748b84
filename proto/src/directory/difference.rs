//! What changes from one directory to the next, in lines for people: `~ user bob@tandem.local: ring 10s -> 20s`.

use super::Directory;
use super::model::Model;
use super::user::User;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A new directory, and how it differs from the one before.
#[derive(Debug, Clone)]
pub struct Change {
    /// The directory after the change.
    pub directory: Directory,
    /// One line a thing, in an order that depends on nothing but the things: `+` new, `~` changed, `-` gone.
    pub difference: Vec<String>,
}

/// The lists of a model: field, the word for one item, and the key that names it.
const SECTIONS: [(&str, &str, &str); 13] = [
    ("regions", "region", "name"),
    ("sites", "site", "name"),
    ("domains", "domain", "name"),
    ("schedules", "schedule", "name"),
    ("classes", "class", "name"),
    ("numbers", "number", "match"),
    ("menus", "menu", "name"),
    ("queues", "queue", "name"),
    ("conferences", "conference", "name"),
    ("voicemail", "voicemail", "name"),
    ("parking", "parking", "name"),
    ("music", "music", "name"),
    ("trunks", "trunk", "name"),
];

/// Lines for everything but users.
pub fn of_models(old: &Model, new: &Model) -> Vec<String> {
    let mut lines = Vec::new();
    if old == new {
        return lines;
    }
    let [old, new] =
        [old, new].map(|model| serde_json::to_value(model).expect("the model holds nothing that JSON cannot hold"));
    for (field, word, id) in SECTIONS {
        let [before, after] = [&old, &new].map(|model| by_name(&model[field], id));
        let names: std::collections::BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
        for name in names {
            lines.extend(line(&format!("{word} {name}"), before.get(name).copied(), after.get(name).copied()));
        }
    }
    lines.extend(line("features", old["features"].as_object(), new["features"].as_object()));
    lines
}

fn by_name<'a>(list: &'a Value, id: &str) -> BTreeMap<&'a str, &'a Map<String, Value>> {
    let items = list.as_array().into_iter().flatten().filter_map(Value::as_object);
    items.filter_map(|item| Some((item.get(id)?.as_str()?, item))).collect()
}

/// The line for a user who is in one of two directories or in both; none where nothing changed.
pub fn of_user(old: Option<(&Directory, &User)>, new: Option<(&Directory, &User)>) -> Option<String> {
    let (directory, user) = new.or(old)?;
    let [before, after] = [old, new].map(|side| side.map(|(directory, user)| directory.describe(user)));
    let mut line = line(&format!("user {}", directory.aor(user)), before.as_ref(), after.as_ref());
    if let (Some((_, old)), Some((_, new))) = (old, new)
        && old.hashes() != new.hashes()
    {
        line = Some(match line {
            Some(line) => line + ", password changed",
            None => format!("~ user {}: password changed", directory.aor(user)),
        });
    }
    line
}

fn line(what: &str, old: Option<&Map<String, Value>>, new: Option<&Map<String, Value>>) -> Option<String> {
    match (old, new) {
        (None, Some(_)) => Some(format!("+ {what}")),
        (Some(_), None) => Some(format!("- {what}")),
        (None, None) => None,
        (Some(old), Some(new)) => {
            let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let changed = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
            let changes: Vec<String> = changed.map(|key| change(key, old.get(key), new.get(key))).collect();
            if changes.is_empty() { None } else { Some(format!("~ {what}: {}", changes.join(", "))) }
        }
    }
}

fn change(key: &str, old: Option<&Value>, new: Option<&Value>) -> String {
    match (short(old), short(new)) {
        (Some(old), Some(new)) => format!("{key} {old} -> {new}"),
        (_, _) => format!("{key} changed"),
    }
}

/// A value that fits into a line and may be shown.
fn short(value: Option<&Value>) -> Option<String> {
    match value {
        None | Some(Value::Null) => Some("none".into()),
        Some(Value::String(text)) => Some(text.clone()),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => Some(value.to_string()),
        Some(Value::Array(items)) => {
            let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            texts.map(|texts| format!("[{}]", texts.join(" ")))
        }
        Some(Value::Object(_)) => None,
    }
}
