use std::fmt::{Display, Write};

use smallvec::SmallVec;

use crate::message::Name;

/// New text of an edit, one piece after the other.
pub(super) struct Scratch(SmallVec<[u8; 1024]>);

impl Scratch {
    pub(super) fn new() -> Scratch {
        Scratch(SmallVec::new())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, (start, end): (u32, u32)) -> &[u8] {
        &self.0[start as usize..end as usize]
    }

    pub(super) fn value(&mut self, value: impl Display) -> (u32, u32) {
        let start = self.0.len();
        write_value(&mut self.0, value);
        (start as u32, self.0.len() as u32)
    }

    pub(super) fn line(&mut self, name: Name, value: impl Display) -> (u32, u32) {
        let start = self.0.len();
        self.0.extend_from_slice(name.text().as_bytes());
        self.0.extend_from_slice(b": ");
        write_value(&mut self.0, value);
        self.0.extend_from_slice(b"\r\n");
        (start as u32, self.0.len() as u32)
    }
}

/// Where text is written to.
pub(crate) trait Buffer {
    fn extend(&mut self, bytes: &[u8]);
    fn bytes(&mut self) -> &mut [u8];
}

impl Buffer for Vec<u8> {
    fn extend(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn bytes(&mut self) -> &mut [u8] {
        self
    }
}

impl<A: smallvec::Array<Item = u8>> Buffer for SmallVec<A> {
    fn extend(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn bytes(&mut self) -> &mut [u8] {
        self
    }
}

struct Writer<'b, B>(&'b mut B);

impl<B: Buffer> Write for Writer<'_, B> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend(text.as_bytes());
        Ok(())
    }
}

/// Appends a value such that it stays one: line ends that are not folding become spaces.
pub(crate) fn write_value(out: &mut impl Buffer, value: impl Display) {
    let start = out.bytes().len();
    write!(Writer(out), "{value}").expect("a value's Display does not fail");
    let written = &mut out.bytes()[start..];
    let mut at = 0;
    while let Some(skip) = memchr::memchr2(b'\r', b'\n', &written[at..]) {
        at += skip;
        if let [b'\r', b'\n', b' ' | b'\t', ..] = written[at..] {
            at += 3;
        } else {
            written[at] = b' ';
            at += 1;
        }
    }
}
