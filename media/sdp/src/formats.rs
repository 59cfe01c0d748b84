//! The formats of a stream, where the phone that is told has not the same as the one that said them.

use std::fmt::{self, Write};

use crate::rewrite::put;

/// What a stream's m= line lists, in this order, and what is said of the new ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Formats {
    /// At least one.
    pub list: Vec<ListedFormat>,
    /// Milliseconds of sound in a packet, in the place of what was said; `None`: that stays.
    pub ptime: Option<u16>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListedFormat {
    /// This payload type, as it was said.
    Kept(u8),
    /// One that was not said, or with another meaning.
    New(NewFormat),
}

/// A format that the exchange adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFormat {
    /// 0 to 127.
    pub payload_type: u8,
    /// Its name, clock and channels as a=rtpmap has them: `opus/48000/2`.
    pub rtpmap: String,
    /// Its parameters as a=fmtp has them; empty: none.
    pub fmtp: String,
}

impl Formats {
    /// What stands at the end of the m= line.
    pub(crate) fn listed(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| {
            for (index, format) in self.list.iter().enumerate() {
                if index > 0 {
                    f.write_char(' ')?;
                }
                match format {
                    ListedFormat::Kept(payload_type) => write!(f, "{payload_type}")?,
                    ListedFormat::New(format) => write!(f, "{}", format.payload_type)?,
                }
            }
            Ok(())
        })
    }

    /// Whether an attribute of what was said still holds: one about a payload type that is gone does not.
    pub(crate) fn keeps(&self, name: &str, value: Option<&str>) -> bool {
        match name {
            "rtpmap" | "fmtp" | "rtcp-fb" => {
                let number = value.unwrap_or_default().split_ascii_whitespace().next().unwrap_or_default();
                number == "*" || number.parse().is_ok_and(|number| self.list.contains(&ListedFormat::Kept(number)))
            }
            "ptime" | "maxptime" => self.ptime.is_none(),
            _ => true,
        }
    }

    /// What is said of the new ones.
    pub(crate) fn write(&self, ending: &[u8], out: &mut Vec<u8>) {
        for format in &self.list {
            let ListedFormat::New(NewFormat { payload_type, rtpmap, fmtp }) = format else { continue };
            put(out, format_args!("a=rtpmap:{payload_type} {rtpmap}"), ending);
            if !fmtp.is_empty() {
                put(out, format_args!("a=fmtp:{payload_type} {fmtp}"), ending);
            }
        }
        if let Some(ptime) = self.ptime {
            put(out, format_args!("a=ptime:{ptime}"), ending);
        }
    }
}
