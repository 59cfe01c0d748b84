//! Base64 with the URL alphabet and no padding (RFC 4648 §5), for tokens of a few bytes.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const NONE: u8 = 0xff;

const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut i = 0;
    while i < 64 {
        values[ALPHABET[i] as usize] = i as u8;
        i += 1;
    }
    values
};

/// Writes `bytes` as text into `out` and returns its length, `ceil(bytes * 8 / 6)`; `out` must hold that much.
pub(super) fn encode(bytes: &[u8], out: &mut [u8]) -> usize {
    let mut length = 0;
    for chunk in bytes.chunks(3) {
        let mut word = [0; 4];
        word[1..=chunk.len()].copy_from_slice(chunk);
        let word = u32::from_be_bytes(word);
        for sextet in 0..=chunk.len() {
            out[length] = ALPHABET[(word >> (18 - 6 * sextet) & 63) as usize];
            length += 1;
        }
    }
    length
}

/// Reads `text` into `out` and returns the number of bytes; `None` for any text that [`encode`] does not write, or too much of it.
pub(super) fn decode(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let length = text.len() * 6 / 8;
    let out = out.get_mut(..length)?;
    for (chunk, bytes) in text.chunks(4).zip(out.chunks_mut(3)) {
        let mut word = 0;
        for (i, &character) in chunk.iter().enumerate() {
            let value = VALUES[usize::from(character)];
            if value == NONE {
                return None;
            }
            word |= u32::from(value) << (18 - 6 * i);
        }
        let (kept, rest) = (bytes.len(), word.to_be_bytes());
        bytes.copy_from_slice(&rest[1..=kept]);
        if rest[1 + kept..].iter().any(|&unused| unused != 0) {
            return None;
        }
    }
    (text.len() % 4 != 1).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(bytes: &[u8]) -> String {
        let mut out = [0; 64];
        let length = encode(bytes, &mut out);
        String::from_utf8(out[..length].to_vec()).unwrap()
    }

    #[test]
    fn rfc4648_section_10_vectors() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encoded(plain.as_bytes()), text);
            let mut out = [0; 64];
            let length = decode(text.as_bytes(), &mut out).unwrap();
            assert_eq!(&out[..length], plain.as_bytes());
        }
        assert_eq!(encoded(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn only_the_one_spelling_of_a_value_is_read() {
        let mut out = [0; 64];
        assert_eq!(decode(b"Zg", &mut out), Some(1));
        for other in ["Zh", "Zg=", "Zg==", "Zm9", "Z", "Zm9vY", "Z+8", "Z/8", "Zm 9v", "Zm\u{f6}v"] {
            assert_eq!(decode(other.as_bytes(), &mut out), None, "{other}");
        }
        assert_eq!(decode(b"Zm9v", &mut out[..2]), None, "too long");
    }
}
