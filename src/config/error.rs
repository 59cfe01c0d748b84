//! What is wrong with a configuration: one line that names the file, the key and a good value.

use super::EXAMPLE;
use proto::directory::nearest;
use thiserror::Error;

/// A configuration that cannot be used; the process ends with status 64.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file is missing or may not be read.
    #[error("cannot read configuration {file}: {why}")]
    Unreadable {
        /// The path as given.
        file: String,
        /// The operating system's reason.
        why: std::io::Error,
    },
    /// The text is not TOML, or a key or its value is wrong.
    #[error("{file}{line}: {message}")]
    Wrong {
        /// The path as given.
        file: String,
        /// `:LINE`, or nothing where no single line is at fault.
        line: String,
        /// Key, reason and a good value.
        message: String,
    },
}

impl ConfigError {
    /// The text is not TOML.
    pub fn syntax(file: &str, text: &str, error: &toml::de::Error) -> ConfigError {
        ConfigError::Wrong { file: file.into(), line: line_of(text, error), message: one_line(error.message()) }
    }

    /// A key is unknown or its value is of the wrong kind.
    pub fn key(file: &str, text: &str, error: &serde_path_to_error::Error<toml::de::Error>) -> ConfigError {
        let path = error.path().to_string();
        let reason = one_line(error.inner().message());
        let message = match reason.strip_prefix("unknown field `") {
            Some(rest) => unknown_key(&path, rest),
            None => format!("{path}: {reason}{}", good_value(&path)),
        };
        ConfigError::Wrong { file: file.into(), line: line_of(text, error.inner()), message }
    }

    /// A value is well formed but cannot be.
    pub fn value(file: &str, key: &str, reason: String) -> ConfigError {
        ConfigError::Wrong {
            file: file.into(),
            line: String::new(),
            message: format!("{key}: {reason}{}", good_value(key)),
        }
    }
}

/// serde's words are "unknown field `x`, expected one of `a`, `b`"; ours name the path and the nearest key.
fn unknown_key(path: &str, rest: &str) -> String {
    let key = rest.split('`').next().unwrap_or_default();
    let known: Vec<&str> = rest.split('`').skip(2).step_by(2).collect();
    // The path may already end in the unknown key itself.
    let parent = path.strip_suffix(key).unwrap_or(path).trim_end_matches('.');
    let full = if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") };
    match nearest(key, known.iter().copied()) {
        Some(near) => format!("{full}: no such key; did you mean `{near}`?"),
        None => format!("{full}: no such key; known here: {}", known.join(", ")),
    }
}

/// `; for example KEY = VALUE`, taken from the shipped example.
pub fn good_value(path: &str) -> String {
    let key = path.split('[').next().unwrap_or_default();
    let example: toml::Table = EXAMPLE.parse().expect("the shipped example is TOML");
    let mut at = Some(&toml::Value::Table(example)).cloned();
    for part in key.split('.') {
        at = at.and_then(|value| value.get(part).cloned());
    }
    let good = at.map(|value| value.to_string()).or_else(|| {
        let known = [
            ("proxy.workers", "\"auto\""),
            ("proxy.connections", "100000"),
            ("proxy.idle", "\"20m\""),
            ("registry.max_expires", "\"1h\""),
            ("registry.min_expires", "\"1m\""),
            ("registry.etcd", "{ ca = \"etcd-ca.pem\", user = \"tandem\", password_file = \"etcd-password\" }"),
            ("registry.etcd.ca", "\"etcd-ca.pem\""),
            ("registry.etcd.cert", "\"etcd.pem\""),
            ("registry.etcd.key", "\"etcd.key\""),
            ("registry.etcd.user", "\"tandem\""),
            ("registry.etcd.password_file", "\"etcd-password\""),
            ("registry.tls", "{ ca = \"ca.pem\", cert = \"node.pem\", key = \"node.key\" }"),
            ("media.silence", "\"60s\""),
        ];
        known.iter().find(|(k, _)| *k == key).map(|(_, good)| (*good).to_owned())
    });
    good.map(|good| format!("; for example {key} = {good}")).unwrap_or_default()
}

fn line_of(text: &str, error: &toml::de::Error) -> String {
    match error.span() {
        Some(span) => format!(":{}", text[..span.start.min(text.len())].matches('\n').count() + 1),
        None => String::new(),
    }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
