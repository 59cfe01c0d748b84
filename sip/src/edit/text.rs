use std::fmt::{Display, Write};

use crate::message::Name;

/// New text of an edit, one piece after the other; on the stack as long as it is short.
pub(super) struct Scratch {
    inline: [u8; 1024],
    len: usize,
    /// All of it, once it did not fit.
    spilled: Vec<u8>,
}

/// Where a piece lies in the scratch.
#[derive(Clone, Copy)]
pub(super) struct Piece {
    start: u32,
    end: u32,
}

impl Piece {
    pub(super) const EMPTY: Piece = Piece { start: 0, end: 0 };
}

impl Scratch {
    pub(super) fn new() -> Scratch {
        Scratch { inline: [0; 1024], len: 0, spilled: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, piece: Piece) -> &[u8] {
        let all = if self.spilled.is_empty() { &self.inline[..] } else { &self.spilled };
        &all[piece.start as usize..piece.end as usize]
    }

    pub(super) fn value(&mut self, value: impl Display) -> Piece {
        let start = self.len;
        write_value(self, value);
        Piece { start: start as u32, end: self.len as u32 }
    }

    pub(super) fn line(&mut self, name: Name, value: impl Display) -> Piece {
        let start = self.len;
        self.extend(name.text().as_bytes());
        self.extend(b": ");
        write_value(self, value);
        self.extend(b"\r\n");
        Piece { start: start as u32, end: self.len as u32 }
    }
}

/// Where text is written to.
pub(crate) trait Buffer {
    fn extend(&mut self, bytes: &[u8]);
    fn written(&mut self) -> &mut [u8];
}

impl Buffer for Vec<u8> {
    fn extend(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn written(&mut self) -> &mut [u8] {
        self
    }
}

impl Buffer for Scratch {
    fn extend(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        if self.spilled.is_empty()
            && let Some(free) = self.inline.get_mut(self.len..end)
        {
            free.copy_from_slice(bytes);
        } else {
            if self.spilled.is_empty() {
                self.spilled.extend_from_slice(&self.inline[..self.len]);
            }
            self.spilled.extend_from_slice(bytes);
        }
        self.len = end;
    }

    fn written(&mut self) -> &mut [u8] {
        if self.spilled.is_empty() { &mut self.inline[..self.len] } else { &mut self.spilled }
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
    let start = out.written().len();
    write!(Writer(out), "{value}").expect("a value's Display does not fail");
    let written = &mut out.written()[start..];
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
