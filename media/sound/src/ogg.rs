//! Ogg pages and the packets in them (RFC 3533).

/// Reads the packets of the first logical stream; pages of others are passed over.
pub(crate) struct Packets<'a> {
    rest: &'a [u8],
    serial: Option<u32>,
    /// The page being read: its lengths that are left, and its body.
    lacing: &'a [u8],
    body: &'a [u8],
    granule: Option<u64>,
    is_last: bool,
    /// The number of the next page.
    next: u32,
}

/// One packet.
pub(crate) struct Packet {
    pub content: Vec<u8>,
    /// For the last packet that ends on its page: the page's position.
    pub granule: Option<u64>,
    /// No packet follows.
    pub ends_stream: bool,
}

/// Why pages cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OggError {
    /// Something else where a page should begin.
    #[error("there is something else between its pages")]
    NoPage,
    /// A version other than 0.
    #[error("version {0} is not read")]
    Version(u8),
    /// The file ends within a page.
    #[error("it ends in the middle of a page")]
    Cut,
    /// The checksum does not fit.
    #[error("page {0} is damaged")]
    Damaged(u32),
    /// The number of the page is not the next one.
    #[error("page {0} is missing")]
    Missing(u32),
    /// A packet that does not go on where it should, or is larger than any.
    #[error("page {0} does not go on where the one before ended")]
    Broken(u32),
}

/// What the first packet announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    Opus,
    Vorbis,
    Other,
}

/// Looks at the first packet only.
pub(crate) fn head(file: &[u8]) -> Result<Head, OggError> {
    let first = Packets::new(file).next()?;
    Ok(match first.as_ref().map(|packet| &*packet.content) {
        Some([b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', ..]) => Head::Opus,
        Some([1, b'v', b'o', b'r', b'b', b'i', b's', ..]) => Head::Vorbis,
        Some(_) | None => Head::Other,
    })
}

impl<'a> Packets<'a> {
    pub fn new(file: &'a [u8]) -> Packets<'a> {
        Packets { rest: file, serial: None, lacing: &[], body: &[], granule: None, is_last: false, next: 0 }
    }

    /// The next packet; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Packet>, OggError> {
        let mut content = Vec::new();
        let mut whole = Whole::Begins;
        loop {
            while let Some((length, lacing)) = self.lacing.split_first() {
                let Some((part, body)) = self.body.split_at_checked(usize::from(*length)) else {
                    return Err(OggError::Cut);
                };
                content.extend_from_slice(part);
                (self.lacing, self.body) = (lacing, body);
                if content.len() > LARGEST {
                    return Err(OggError::Broken(self.next));
                }
                if *length < 255 {
                    let is_last_of_page = !lacing.iter().any(|length| *length < 255);
                    let granule = self.granule.filter(|_| is_last_of_page);
                    return Ok(Some(Packet { content, granule, ends_stream: is_last_of_page && self.is_last }));
                }
                whole = Whole::GoesOn;
            }
            if self.is_last || !self.turn(whole)? {
                // A packet that never ended is lost with the rest of the file.
                return Ok(None);
            }
        }
    }

    /// Turns to the next page of the stream; false at the end of the file.
    fn turn(&mut self, before: Whole) -> Result<bool, OggError> {
        loop {
            if self.rest.is_empty() {
                return Ok(false);
            }
            let Page { serial, number, granule, flags, lacing, body, rest } = Page::parse(self.rest, self.next)?;
            self.rest = rest;
            if *self.serial.get_or_insert(serial) != serial {
                continue;
            }
            if number != self.next {
                return Err(OggError::Missing(self.next));
            }
            self.next = number.wrapping_add(1);
            if (flags & CONTINUED != 0) != (before == Whole::GoesOn) {
                return Err(OggError::Broken(number));
            }
            // All ones: no packet ends on this page (RFC 3533 §6).
            self.granule = Some(granule).filter(|granule| *granule != u64::MAX);
            self.is_last = flags & LAST != 0;
            (self.lacing, self.body) = (lacing, body);
            return Ok(true);
        }
    }
}

/// Where a packet is at the end of a page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    Begins,
    GoesOn,
}

struct Page<'a> {
    serial: u32,
    number: u32,
    granule: u64,
    flags: u8,
    lacing: &'a [u8],
    body: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Page<'a> {
    /// RFC 3533 §6.
    fn parse(file: &'a [u8], expected: u32) -> Result<Page<'a>, OggError> {
        let Some((head, after)) = file.split_first_chunk::<HEAD>() else {
            return Err(if b"OggS".starts_with(&file[..file.len().min(4)]) { OggError::Cut } else { OggError::NoPage });
        };
        let [b'O', b'g', b'g', b'S', version, flags, rest @ ..] = *head else { return Err(OggError::NoPage) };
        if version != 0 {
            return Err(OggError::Version(version));
        }
        let (granule, rest) = rest.split_first_chunk::<8>().ok_or(OggError::Cut)?;
        let (words, segments) = rest.as_chunks::<4>();
        let (&[serial, number, checksum], &[segments]) = (words, segments) else { return Err(OggError::Cut) };
        let (lacing, after) = after.split_at_checked(usize::from(segments)).ok_or(OggError::Cut)?;
        let length = lacing.iter().map(|length| usize::from(*length)).sum();
        let (body, rest) = after.split_at_checked(length).ok_or(OggError::Cut)?;
        let page = &file[..HEAD + lacing.len() + body.len()];
        if checksum_of(page) != u32::from_le_bytes(checksum) {
            return Err(OggError::Damaged(expected));
        }
        let (serial, number) = (u32::from_le_bytes(serial), u32::from_le_bytes(number));
        Ok(Page { serial, number, granule: u64::from_le_bytes(*granule), flags, lacing, body, rest })
    }
}

/// The checksum of a page, whose own field counts as zero: polynomial 0x04c11db7, nothing reflected, nothing inverted.
pub(crate) fn checksum_of(page: &[u8]) -> u32 {
    page.iter().enumerate().fold(0, |sum, (place, byte)| {
        let byte = if CHECKSUM.contains(&place) { 0 } else { *byte };
        sum << 8 ^ TABLE[usize::from((sum >> 24) as u8 ^ byte)]
    })
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            sum = sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

/// Bytes of a page before its lengths.
pub(crate) const HEAD: usize = 27;
/// Where the checksum lies.
pub(crate) const CHECKSUM: std::ops::Range<usize> = 22..26;
/// Flags of a page: it begins within a packet; it is the stream's last.
const CONTINUED: u8 = 1;
const LAST: u8 = 4;
/// Bytes of the largest packet taken: comments may hold a picture.
const LARGEST: usize = 16 << 20;
