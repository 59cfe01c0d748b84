//! The lines of a description.

use std::str;

/// One line as it stands in the text.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    /// Counted from 1.
    pub number: usize,
    /// The letter before the equals sign; 0 for an empty line, `?` for one without that form.
    pub letter: u8,
    /// What follows the equals sign, without the line's end.
    pub value: &'a [u8],
    /// The whole line with its end.
    pub raw: &'a [u8],
}

impl<'a> Line<'a> {
    /// The value as text; empty where it is not UTF-8.
    pub fn text(&self) -> &'a str {
        str::from_utf8(self.value).unwrap_or("")
    }

    /// CR LF, LF, or nothing at the very end.
    pub fn ending(&self) -> &'a [u8] {
        let taken = if matches!(self.letter, 0 | b'?') { 0 } else { 2 };
        &self.raw[taken + self.value.len()..]
    }

    /// An a= line's name and value.
    pub fn attribute(&self) -> Option<(&'a str, Option<&'a str>)> {
        if self.letter != b'a' {
            return None;
        }
        let text = self.text();
        match text.split_once(':') {
            Some((name, value)) => Some((name, Some(value))),
            None => Some((text, None)),
        }
    }
}

/// Splits at LF; a CR before it belongs to the line's end (RFC 8866 §5 asks readers to take both).
pub(crate) struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Lines<'a> {
    pub fn new(bytes: &'a [u8]) -> Lines<'a> {
        Lines { rest: bytes, number: 0 }
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest).map_or(self.rest.len(), |at| at + 1);
        let (raw, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.number += 1;
        let content = raw.strip_suffix(b"\r\n").or(raw.strip_suffix(b"\n")).unwrap_or(raw);
        let (letter, value) = match content {
            [] => (0, content),
            [letter, b'=', value @ ..] if letter.is_ascii_lowercase() => (*letter, value),
            _ => (b'?', content),
        };
        Some(Line { number: self.number, letter, value, raw })
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn lines_put_together_again_are_the_text() {
        for text in ["", "v=0", "v=0\r\n", "v=0\no=x\r\n\r\na=\nrubbish\r", "\n\n", "=\n"] {
            let again: Vec<u8> = Lines::new(text.as_bytes()).flat_map(|line| line.raw.to_vec()).collect();
            assert_eq!(again, text.as_bytes());
            for line in Lines::new(text.as_bytes()) {
                assert!(matches!(line.ending(), b"" | b"\n" | b"\r\n"));
            }
        }
    }
}
