//! Pages of an Ogg file with one stream (RFC 3533 §6).

/// A file as it grows. Packets are gathered into pages; one page is always held back, because the last one is marked.
pub struct Pages {
    bytes: Vec<u8>,
    serial: u32,
    sequence: u32,
    lacing: Vec<u8>,
    body: Vec<u8>,
    granule: u64,
}

impl Pages {
    /// An empty stream; `serial` tells it from others that it may be chained to.
    pub fn new(serial: u32) -> Pages {
        Pages { bytes: Vec::new(), serial, sequence: 0, lacing: Vec::new(), body: Vec::new(), granule: 0 }
    }

    /// Adds a packet of up to 60,000 bytes, after which the stream is at `granule`.
    pub fn packet(&mut self, packet: &[u8], granule: u64) {
        let lacing = packet.len() / 255 + 1;
        if self.lacing.len() + lacing > MOST_LACING || self.body.len() > ENOUGH {
            self.flush();
        }
        self.lacing.extend(std::iter::repeat_n(255, lacing - 1));
        self.lacing.push((packet.len() % 255) as u8);
        self.body.extend_from_slice(packet);
        self.granule = granule;
    }

    /// Ends the page; the next packet begins a new one.
    pub fn flush(&mut self) {
        let flags = if self.sequence == 0 { FIRST } else { 0 };
        self.page(flags);
    }

    /// Ends the stream, whose sound ends at `granule`, and gives the whole file.
    pub fn finish(mut self, granule: u64) -> Vec<u8> {
        self.granule = granule;
        self.page(LAST);
        self.bytes
    }

    fn page(&mut self, flags: u8) {
        let start = self.bytes.len();
        self.bytes.extend(b"OggS\0");
        self.bytes.push(flags);
        self.bytes.extend(self.granule.to_le_bytes());
        self.bytes.extend(self.serial.to_le_bytes());
        self.bytes.extend(self.sequence.to_le_bytes());
        self.bytes.extend([0; 4]);
        self.bytes.push(self.lacing.len() as u8);
        self.bytes.append(&mut self.lacing);
        self.bytes.append(&mut self.body);
        let sum = checksum(&self.bytes[start..]);
        self.bytes[start + CHECKSUM..start + CHECKSUM + 4].copy_from_slice(&sum.to_le_bytes());
        self.sequence += 1;
    }
}

/// CRC-32 with the polynomial 0x04c11db7, highest bit first, from zero (RFC 3533 §6).
fn checksum(page: &[u8]) -> u32 {
    page.iter().fold(0, |sum, byte| sum << 8 ^ TABLE[usize::from((sum >> 24) as u8 ^ byte)])
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            sum = sum << 1 ^ (if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 });
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

/// Where a page's checksum lies.
const CHECKSUM: usize = 22;
const FIRST: u8 = 2;
const LAST: u8 = 4;
/// Entries that a page's table has room for.
const MOST_LACING: usize = 255;
/// A page with more bytes is ended: RFC 3533 §6 speaks of 4–8 kB.
const ENOUGH: usize = 4096;
