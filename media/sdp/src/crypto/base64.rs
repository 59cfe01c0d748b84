//! Base64 with padding (RFC 4648 §4), as a=crypto has it.

use std::fmt;

/// Bytes, written in base64.
pub(super) struct Encoded<'a>(pub &'a [u8]);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in self.0.chunks(3) {
            let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
            let mut text = [b'='; 4];
            for (digit, shift) in text.iter_mut().zip([18, 12, 6, 0]).take(group.len() + 1) {
                *digit = ALPHABET[(bits >> shift) as usize % 64];
            }
            f.write_str(str::from_utf8(&text).expect("the alphabet is ASCII"))?;
        }
        Ok(())
    }
}

/// The bytes that `text` means, and how many. Padding may be missing, as some phones leave it out. None for an empty
/// text, for one that is no base64, or one too long.
pub(super) fn decode(text: &str, bytes: &mut [u8]) -> Option<usize> {
    let digits = text.strip_suffix("==").or(text.strip_suffix('=')).unwrap_or(text).as_bytes();
    let padding = text.len() - digits.len();
    // A single digit of a group means no byte.
    if digits.is_empty() || digits.len() % 4 == 1 || padding > 0 && !text.len().is_multiple_of(4) {
        return None;
    }
    let mut length = 0;
    for group in digits.chunks(4) {
        let mut bits = 0;
        for at in 0..4 {
            bits = bits << 6 | group.get(at).map_or(Some(0), |digit| value(*digit))?;
        }
        let [_, means @ ..] = bits.to_be_bytes();
        let means = &means[..group.len() - 1];
        bytes.get_mut(length..length + means.len())?.copy_from_slice(means);
        length += means.len();
    }
    Some(length)
}

fn value(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Option<Vec<u8>> {
        let mut bytes = [0; 64];
        decode(text, &mut bytes).map(|length| bytes[..length].to_vec())
    }

    #[test]
    fn rfc4648_10() {
        for (bytes, text) in
            [("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")]
        {
            assert_eq!(Encoded(bytes.as_bytes()).to_string(), text);
            assert_eq!(decoded(text).as_deref(), Some(bytes.as_bytes()));
            assert_eq!(decoded(text.trim_end_matches('=')).as_deref(), Some(bytes.as_bytes()), "without padding");
        }
        assert_eq!(Encoded(b"").to_string(), "");
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        for text in
            ["", "=", "==", "A", "AAAAA", "AA=", "AAA==", "AA=A", "A===", "AA==AA==", "AA-_", "AA A", "\u{e9}AA"]
        {
            assert_eq!(decoded(text), None, "{text:?}");
        }
        assert_eq!(decode("AAAA", &mut [0; 2]), None);
    }

    #[test]
    fn every_byte_comes_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        for part in (1..=64).flat_map(|length| bytes.chunks(length)) {
            assert_eq!(decoded(&Encoded(part).to_string()).as_deref(), Some(part));
        }
    }
}
