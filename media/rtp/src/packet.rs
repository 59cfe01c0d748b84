//! RTP packets, read in place (RFC 3550 §5.1, §5.3.1).

use std::fmt;

/// Bytes of a header without contributing sources and extension.
pub const HEADER_LEN: usize = 12;

/// Who sends a stream (RFC 3550 §8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ssrc(pub u32);

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// The fields of a packet's fixed header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Header {
    /// First packet after silence (sound), last of a picture (video), first of an event.
    pub marker: bool,
    /// 0 to 127.
    pub payload_type: u8,
    /// One more with each packet, wrapping around.
    pub sequence: u16,
    /// When the payload begins, in ticks of the format's clock, wrapping around.
    pub timestamp: u32,
    /// The stream's sender.
    pub ssrc: Ssrc,
}

impl Header {
    /// Reads the fixed part of a packet.
    pub fn from_bytes(fixed: [u8; HEADER_LEN]) -> Header {
        Header {
            marker: fixed[1] & 0x80 != 0,
            payload_type: fixed[1] & 0x7f,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: Ssrc(u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]])),
        }
    }

    /// The bytes of a header with neither contributing sources, extension nor padding.
    pub fn to_bytes(self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0] = VERSION;
        self.put(&mut bytes);
        bytes
    }

    /// Puts these fields over those of a packet, whose sources, extension, padding and payload stay.
    ///
    /// # Panics
    /// If the packet is shorter than a header; one that [`Packet::parse`] took never is.
    pub fn put(self, packet: &mut [u8]) {
        packet[1] = u8::from(self.marker) << 7 | self.payload_type & 0x7f;
        packet[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        packet[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        packet[8..12].copy_from_slice(&self.ssrc.0.to_be_bytes());
    }
}

/// A well-formed packet in a received buffer.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// Its fixed header.
    pub header: Header,
    bytes: &'a [u8],
    payload_start: usize,
    payload_end: usize,
}

impl<'a> Packet<'a> {
    /// Checks that version, contributing sources, extension and padding agree with the length.
    pub fn parse(bytes: &'a [u8]) -> Result<Packet<'a>, PacketError> {
        let Some(fixed) = bytes.first_chunk::<HEADER_LEN>() else { return Err(PacketError::Short) };
        if fixed[0] & 0xc0 != VERSION {
            return Err(PacketError::Version);
        }
        let header = Header::from_bytes(*fixed);
        let mut payload_start = HEADER_LEN + 4 * usize::from(fixed[0] & 0x0f);
        if fixed[0] & EXTENSION != 0 {
            let Some(&[_, _, high, low]) = bytes.get(payload_start..payload_start + 4) else {
                return Err(PacketError::Extension);
            };
            payload_start += 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
        }
        if payload_start > bytes.len() {
            return Err(if fixed[0] & EXTENSION != 0 { PacketError::Extension } else { PacketError::Sources });
        }
        let mut payload_end = bytes.len();
        if fixed[0] & PADDING != 0 {
            let padding = usize::from(bytes[bytes.len() - 1]);
            if padding == 0 || padding > bytes.len() - payload_start {
                return Err(PacketError::Padding);
            }
            payload_end -= padding;
        }
        Ok(Packet { header, bytes, payload_start, payload_end })
    }

    /// The whole packet.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What it carries, without padding.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[self.payload_start..self.payload_end]
    }

    /// Bytes of padding at the end, their own count included.
    pub fn padding(&self) -> usize {
        self.bytes.len() - self.payload_end
    }

    /// Contributing sources, 0 to 15, which a mixer puts in.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = Ssrc> + use<'a> {
        let end = HEADER_LEN + 4 * usize::from(self.bytes[0] & 0x0f);
        let (words, _) = self.bytes[HEADER_LEN..end].as_chunks::<4>();
        words.iter().map(|word| Ssrc(u32::from_be_bytes(*word)))
    }

    /// The header extension.
    pub fn extension(&self) -> Option<Extension<'a>> {
        if self.bytes[0] & EXTENSION == 0 {
            return None;
        }
        let at = HEADER_LEN + 4 * usize::from(self.bytes[0] & 0x0f);
        let profile = u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]]);
        Some(Extension { profile, bytes: &self.bytes[at + 4..self.payload_start] })
    }
}

/// A header extension (RFC 3550 §5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// `0xBEDE` or `0x100N` for the general mechanism (RFC 8285).
    pub profile: u16,
    /// Whole words.
    pub bytes: &'a [u8],
}

/// Why bytes are no RTP packet; such a packet is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Shorter than a header.
    #[error("shorter than an RTP header")]
    Short,
    /// Not version 2.
    #[error("not RTP version 2")]
    Version,
    /// More contributing sources than bytes.
    #[error("contributing sources reach past the end")]
    Sources,
    /// The extension reaches past the end.
    #[error("header extension reaches past the end")]
    Extension,
    /// Padding of no byte, or of more than there are.
    #[error("padding does not fit")]
    Padding,
}

const VERSION: u8 = 2 << 6;
const PADDING: u8 = 1 << 5;
const EXTENSION: u8 = 1 << 4;

#[cfg(test)]
mod tests {
    use super::{Extension, Header, Packet, PacketError, Ssrc};

    fn packet(first: u8, rest: &[u8]) -> Vec<u8> {
        let header = Header { marker: true, payload_type: 96, sequence: 0xfffe, timestamp: 0x0102_0304, ssrc: Ssrc(7) };
        let mut bytes = header.to_bytes().to_vec();
        bytes[0] = first;
        bytes.extend_from_slice(rest);
        bytes
    }

    #[test]
    fn sources_extension_and_padding_are_told_from_the_payload() {
        let rest = [0, 0, 0, 1, 0, 0, 0, 2, 0xbe, 0xde, 0, 1, 9, 9, 9, 9, b'h', b'i', 0, 0, 3];
        let bytes = packet(0x80 | 0x20 | 0x10 | 2, &rest);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.header.sequence, 0xfffe);
        assert!(packet.header.marker);
        assert_eq!(packet.sources().collect::<Vec<_>>(), [Ssrc(1), Ssrc(2)]);
        assert_eq!(packet.extension(), Some(Extension { profile: 0xbede, bytes: &[9, 9, 9, 9] }));
        assert_eq!((packet.payload(), packet.padding()), (&b"hi"[..], 3));
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        let error = |first, rest: &[u8]| Packet::parse(&packet(first, rest)).unwrap_err();
        assert_eq!(Packet::parse(&[0x80; 11]).unwrap_err(), PacketError::Short);
        assert_eq!(error(0x40, &[]), PacketError::Version);
        assert_eq!(error(0x81, &[1, 2, 3]), PacketError::Sources);
        assert_eq!(error(0x90, &[0, 0, 0]), PacketError::Extension);
        assert_eq!(error(0x90, &[0, 0, 0, 1, 1, 1, 1]), PacketError::Extension);
        assert_eq!(error(0x9f, &[0; 60]), PacketError::Extension);
        assert_eq!(error(0xa0, &[0]), PacketError::Padding);
        assert_eq!(error(0xa0, &[2]), PacketError::Padding);
        // An empty packet's last byte is the SSRC's, and no padding.
        assert_eq!(error(0xa0, &[]), PacketError::Padding);
        assert_eq!(Packet::parse(&packet(0xa0, &[1])).unwrap().payload(), b"");
    }

    #[test]
    fn fields_put_over_a_packet_leave_the_rest() {
        let mut bytes = packet(0x92, &[0, 0, 0, 1, 0, 0, 0, 2, 0xbe, 0xde, 0, 0, 5]);
        let header = Header { marker: false, payload_type: 8, sequence: 1, timestamp: 2, ssrc: Ssrc(3) };
        header.put(&mut bytes);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!((packet.header, packet.payload(), packet.sources().len()), (header, &[5][..], 2));
    }
}
