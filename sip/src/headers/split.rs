use super::params::end_of_quotes;
use crate::chars::trim;

/// The values of a comma list; commas in quotes and in `<>` do not separate. Empty values are left out.
pub fn split_values(text: &str) -> Split<'_> {
    Split { rest: text }
}

/// Iterator of [`split_values`].
#[derive(Clone, Debug)]
pub struct Split<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        while !self.rest.is_empty() {
            let end = end_of_value(self.rest.as_bytes());
            let value = trim(&self.rest[..end]);
            self.rest = self.rest.get(end + 1..).unwrap_or("");
            if !value.is_empty() {
                return Some(value);
            }
        }
        None
    }
}

/// Offset of the comma that ends the first value, or the end.
fn end_of_value(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(skip) = memchr::memchr3(b',', b'"', b'<', &text[at..]) {
        at += skip;
        let end = match text[at] {
            b',' => return at,
            b'"' => end_of_quotes(text, at).ok(),
            _ => memchr::memchr(b'>', &text[at..]).map(|skip| at + skip),
        };
        match end {
            Some(end) => at = end,
            None => break,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_quotes_and_brackets_do_not_separate() {
        let split = |text| split_values(text).collect::<Vec<_>>();
        assert_eq!(
            split(r#""a, \", b" <sip:x,y@h> ;q=1 , <sip:z@h>,,"#),
            [r#""a, \", b" <sip:x,y@h> ;q=1"#, "<sip:z@h>"]
        );
        assert_eq!(split("one"), ["one"]);
        assert_eq!(split(" , "), [""; 0]);
        assert_eq!(split(r#"a, "open, b"#), ["a", r#""open, b"#]);
    }
}
