//! Payload formats of RTP streams: a=rtpmap, a=fmtp and the static types of RFC 3551.

/// One payload type of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format<'a> {
    /// 0 to 127.
    pub payload_type: u8,
    /// The encoding's name (`PCMU`, `opus`, `telephone-event`), to be compared without regard to case; empty for a
    /// dynamic type without a=rtpmap.
    pub name: &'a str,
    /// Ticks of the RTP timestamp a second; 8000 where nothing says.
    pub clock: u32,
    /// Channels of sound; 1 where nothing says.
    pub channels: u8,
    /// The parameters of a=fmtp as written.
    pub parameters: Option<&'a str>,
}

impl<'a> Format<'a> {
    /// What RFC 3551 says of a payload type.
    fn fixed(payload_type: u8) -> Format<'a> {
        let (name, clock, channels) = fixed(payload_type);
        Format { payload_type, name, clock, channels, parameters: None }
    }

    /// The payload types of an m= line, each once; what is none is left out.
    pub(crate) fn listed(formats: &str) -> Vec<Format<'a>> {
        let mut listed: Vec<Format<'_>> = Vec::new();
        let mut known = 0_u128;
        let types = formats.split_ascii_whitespace().filter_map(|text| text.parse::<u8>().ok());
        for payload_type in types.filter(|payload_type| *payload_type < 128) {
            if known >> payload_type & 1 == 0 {
                known |= 1 << payload_type;
                listed.push(Format::fixed(payload_type));
            }
        }
        listed
    }

    /// Takes what a=rtpmap or a=fmtp says of one of them.
    pub(crate) fn learn(listed: &mut [Format<'a>], attribute: &str, value: &'a str) {
        let Some((number, rest)) = value.trim_start().split_once(' ') else { return };
        let Ok(payload_type) = number.parse::<u8>() else { return };
        let Some(format) = listed.iter_mut().find(|format| format.payload_type == payload_type) else { return };
        if attribute == "fmtp" {
            format.parameters = Some(rest.trim());
            return;
        }
        let mut parts = rest.trim().split('/');
        let Some(name) = parts.next().filter(|name| !name.is_empty()) else { return };
        let clock = parts.next().and_then(|clock| clock.parse().ok()).filter(|clock| *clock != 0);
        let channels = parts.next().and_then(|channels| channels.parse().ok());
        (format.name, format.clock, format.channels) = (name, clock.unwrap_or(8000), channels.unwrap_or(1));
    }

    /// The encoding has this name.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Digits as events (RFC 4733).
    pub fn is_telephone_event(&self) -> bool {
        self.is("telephone-event")
    }

    /// Goes along with a codec and is none itself: events, comfort noise, redundancy, retransmission, error correction.
    pub fn is_companion(&self) -> bool {
        ["telephone-event", "CN", "red", "rtx", "ulpfec", "flexfec-03", "parityfec"].iter().any(|name| self.is(name))
    }
}

/// The RTP clocks of a stream's payload types, for one who counts its packets. Without a description those of RFC 3551.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Of the types 96 to 127.
    dynamic: [u32; 32],
}

impl Clocks {
    /// Ticks of the timestamp a second; 8000 for a type that nobody named.
    pub fn of(&self, payload_type: u8) -> u32 {
        match payload_type {
            96..=127 => self.dynamic[usize::from(payload_type - 96)],
            _ => fixed(payload_type).1,
        }
    }
}

impl Default for Clocks {
    fn default() -> Clocks {
        Clocks { dynamic: [8000; 32] }
    }
}

impl<'a> FromIterator<Format<'a>> for Clocks {
    fn from_iter<T: IntoIterator<Item = Format<'a>>>(formats: T) -> Clocks {
        let mut clocks = Clocks::default();
        for format in formats {
            if let Some(clock) =
                format.payload_type.checked_sub(96).and_then(|at| clocks.dynamic.get_mut(usize::from(at)))
            {
                *clock = format.clock;
            }
        }
        clocks
    }
}

/// RFC 3551 §6, tables 4 and 5.
fn fixed(payload_type: u8) -> (&'static str, u32, u8) {
    match payload_type {
        0 => ("PCMU", 8000, 1),
        3 => ("GSM", 8000, 1),
        4 => ("G723", 8000, 1),
        5 => ("DVI4", 8000, 1),
        6 => ("DVI4", 16000, 1),
        7 => ("LPC", 8000, 1),
        8 => ("PCMA", 8000, 1),
        // G.722 samples at 16 kHz; its clock is 8000 by a mistake that became the rule (RFC 3551 §4.5.2).
        9 => ("G722", 8000, 1),
        10 => ("L16", 44100, 2),
        11 => ("L16", 44100, 1),
        12 => ("QCELP", 8000, 1),
        13 => ("CN", 8000, 1),
        14 => ("MPA", 90000, 1),
        15 => ("G728", 8000, 1),
        16 => ("DVI4", 11025, 1),
        17 => ("DVI4", 22050, 1),
        18 => ("G729", 8000, 1),
        25 => ("CelB", 90000, 1),
        26 => ("JPEG", 90000, 1),
        28 => ("nv", 90000, 1),
        31 => ("H261", 90000, 1),
        32 => ("MPV", 90000, 1),
        33 => ("MP2T", 90000, 1),
        34 => ("H263", 90000, 1),
        _ => ("", 8000, 1),
    }
}
