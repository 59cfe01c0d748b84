//! Character classes of RFC 3261 §25.1, one bit each in one table.

/// A set of classes.
#[derive(Clone, Copy)]
pub(crate) struct Class(u8);

pub(crate) const TOKEN: Class = Class(1);
pub(crate) const USER: Class = Class(2);
pub(crate) const PASSWORD: Class = Class(4);
pub(crate) const URI_PARAM: Class = Class(8);
pub(crate) const URI_HEADER: Class = Class(16);
pub(crate) const HOST: Class = Class(32);
/// Visible ASCII and everything above it, without what delimits a URI in a header.
pub(crate) const OPAQUE: Class = Class(64);
/// Value of a header's parameter outside quotes; more than the grammar's token and host, as phones send more.
pub(crate) const PARAM_VALUE: Class = Class(128);

static TABLE: [u8; 256] = table();

const fn table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        let mut bits = 0;
        if c.is_ascii_alphanumeric() {
            bits = u8::MAX;
        }
        if one_of(c, b"-.!%*_+`'~") {
            bits |= TOKEN.0;
        }
        if one_of(c, b"-_.!~*'()") {
            bits |= USER.0 | PASSWORD.0 | URI_PARAM.0 | URI_HEADER.0;
        }
        // '#' belongs escaped, but phones dial it as it is.
        if one_of(c, b"&=+$,;?/#") {
            bits |= USER.0;
        }
        if one_of(c, b"&=+$,") {
            bits |= PASSWORD.0;
        }
        if one_of(c, b"[]/:&+$=;") {
            bits |= URI_PARAM.0;
        }
        if one_of(c, b"[]/?:+$=&") {
            bits |= URI_HEADER.0;
        }
        // '_' is in no host name of RFC 3261, but in many a network's.
        if one_of(c, b"-._") {
            bits |= HOST.0;
        }
        if (c.is_ascii_graphic() && !one_of(c, b"<>\"")) || !c.is_ascii() {
            bits |= OPAQUE.0;
            if !one_of(c, b",;") {
                bits |= PARAM_VALUE.0;
            }
        }
        table[byte] = bits;
        byte += 1;
    }
    table
}

const fn one_of(c: u8, set: &[u8]) -> bool {
    let mut at = 0;
    while at < set.len() {
        if set[at] == c {
            return true;
        }
        at += 1;
    }
    false
}

impl Class {
    #[inline]
    pub(crate) fn holds(self, byte: u8) -> bool {
        TABLE[byte as usize] & self.0 != 0
    }

    /// How many bytes at the start of `text` are of the class.
    #[inline(never)]
    pub(crate) fn run(self, text: &[u8]) -> usize {
        let mut at = 0;
        while let Some([a, b, c, d]) = text.get(at..at + 4)
            && TABLE[*a as usize] & TABLE[*b as usize] & TABLE[*c as usize] & TABLE[*d as usize] & self.0 != 0
        {
            at += 4;
        }
        while at < text.len() && self.holds(text[at]) {
            at += 1;
        }
        at
    }

    /// Whether all of `text` is of the class; true for the empty text.
    #[inline]
    pub(crate) fn is_all(self, text: &[u8]) -> bool {
        self.run(text) == text.len()
    }

    /// How many bytes at the start of `text` are of the class or `%` with two hexadecimal digits.
    #[inline]
    pub(crate) fn run_escaped(self, text: &[u8]) -> usize {
        let mut at = self.run(text);
        while let Some([b'%', high, low]) = text.get(at..at + 3)
            && high.is_ascii_hexdigit()
            && low.is_ascii_hexdigit()
        {
            at += 3 + self.run(&text[at + 3..]);
        }
        at
    }

    /// Whether all of `text` is of the class or `%` with two hexadecimal digits.
    #[inline]
    pub(crate) fn is_all_escaped(self, text: &[u8]) -> bool {
        self.run_escaped(text) == text.len()
    }
}

/// `text` is a token and not empty.
#[inline]
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && TOKEN.is_all(text.as_bytes())
}

/// How many bytes at the start of `text` are spaces or folding.
#[inline]
pub(crate) fn spaces(text: &[u8]) -> usize {
    let mut count = 0;
    while count < text.len() && text[count] <= b' ' && is_space(text[count]) {
        count += 1;
    }
    count
}

/// `text` without spaces and folding at its ends. Unlike `str::trim_ascii` it leaves form feeds, which are no space in SIP.
#[inline]
pub(crate) fn trim(text: &str) -> &str {
    trim_end(trim_start(text))
}

/// `text` without spaces and folding at its start.
#[inline]
pub(crate) fn trim_start(text: &str) -> &str {
    &text[spaces(text.as_bytes())..]
}

/// `text` without spaces and folding at its end.
#[inline]
pub(crate) fn trim_end(text: &str) -> &str {
    &text[..without_end_spaces(text.as_bytes())]
}

/// Length of `text` without spaces and folding at its end.
#[inline]
pub(crate) fn without_end_spaces(text: &[u8]) -> usize {
    let mut end = text.len();
    while end > 0 && is_space(text[end - 1]) {
        end -= 1;
    }
    end
}

/// SP, HT, or the CR and LF of a folded line.
#[inline]
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
