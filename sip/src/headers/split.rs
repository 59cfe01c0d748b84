use super::params::end_of_quotes;

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
            let value = self.rest[..end].trim_ascii();
            self.rest = self.rest.get(end + 1..).unwrap_or("");
            if !value.is_empty() {
                return Some(value);
            }
        }
        None
    }
}

fn end_of_value(text: &[u8]) -> usize {
    let mut at = 0;
    let mut is_in_brackets = false;
    while let Some(skip) =
        text.get(at..).and_then(|rest| rest.iter().position(|c| matches!(c, b',' | b'"' | b'<' | b'>')))
    {
        at += skip;
        match text[at] {
            b',' if !is_in_brackets => return at,
            b'"' if !is_in_brackets => match end_of_quotes(text, at) {
                Ok(end) => at = end - 1,
                Err(_) => return text.len(),
            },
            b'<' => is_in_brackets = true,
            b'>' => is_in_brackets = false,
            _ => {}
        }
        at += 1;
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
