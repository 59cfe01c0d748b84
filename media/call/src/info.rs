//! placeholder until merged
use sip::message::{Message, Name};
use std::time::Duration;
pub(crate) struct Key {
    pub key: char,
    pub held: Duration,
}
impl Key {
    pub(crate) fn of(info: &Message<'_>) -> Option<Key> {
        let kind = info.header(Name::ContentType)?.split(';').next()?.trim_ascii().to_ascii_lowercase();
        let body = str::from_utf8(info.body()).ok()?;
        let key = match kind.as_str() {
            "application/dtmf-relay" => body.lines().find_map(|line| line.trim().strip_prefix("Signal="))?.trim(),
            "application/dtmf" => body.trim(),
            _ => return None,
        };
        let key = key.chars().next().filter(|key| "0123456789*#ABCD".contains(*key))?;
        Some(Key { key, held: Duration::from_millis(160) })
    }
    pub(crate) fn to_body(&self) -> (&'static str, String) {
        ("application/dtmf-relay", format!("Signal={}\r\nDuration={}\r\n", self.key, self.held.as_millis()))
    }
}
