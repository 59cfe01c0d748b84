//! What protection has to know of a packet: whose it is, and where its encrypted part begins.

/// The clear part of an RTP packet: fixed header, contributing sources, extension (RFC 3550 §5.1, §5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RtpHead {
    pub ssrc: u32,
    pub sequence: u16,
    /// Bytes of it; never more than the packet has.
    pub length: usize,
}

impl RtpHead {
    /// None if `packet` is not of version 2, or too short for what its header announces.
    pub fn parse(packet: &[u8]) -> Option<RtpHead> {
        let &[first, _, high, low, _, _, _, _, a, b, c, d] = packet.first_chunk()?;
        let mut length = 12 + 4 * usize::from(first & 0x0f);
        if first & 0x10 != 0 {
            let &[_, _, high, low] = packet.get(length..)?.first_chunk()?;
            length += 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
        }
        let head =
            RtpHead { ssrc: u32::from_be_bytes([a, b, c, d]), sequence: u16::from_be_bytes([high, low]), length };
        (first >> 6 == 2 && length <= packet.len()).then_some(head)
    }
}

/// Bytes of an RTCP packet that stay clear: its first header and the sender's SSRC (RFC 3711 §3.4).
pub(crate) const RTCP_HEAD: usize = 8;

/// The sender of an RTCP packet; None if it is not of version 2, or shorter than a header.
pub(crate) fn rtcp_sender(packet: &[u8]) -> Option<u32> {
    let &[first, _, _, _, a, b, c, d] = packet.first_chunk::<RTCP_HEAD>()?;
    (first >> 6 == 2).then_some(u32::from_be_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_and_extension_stay_clear() {
        let packet = |first: u8, rest: &[u8]| [&[first, 0, 0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 7], rest].concat();
        let length = |first, rest: &[u8]| RtpHead::parse(&packet(first, rest)).map(|head| head.length);
        assert_eq!(RtpHead::parse(&packet(0x80, &[1])), Some(RtpHead { ssrc: 7, sequence: 0x1234, length: 12 }));
        assert_eq!(length(0x82, &[0; 9]), Some(20));
        assert_eq!(length(0x82, &[0; 7]), None);
        assert_eq!(length(0x91, &[1, 1, 1, 1, 0xbe, 0xde, 0, 1, 9, 9, 9, 9, 5]), Some(24));
        assert_eq!(length(0x91, &[1, 1, 1, 1, 0xbe, 0xde, 0, 1, 9, 9, 9]), None);
        assert_eq!(length(0x91, &[1, 1, 1, 1, 0xbe, 0xde, 0]), None);
        assert_eq!(length(0x40, &[]), None);
        assert_eq!(RtpHead::parse(&[0x80; 11]), None);
        assert_eq!(rtcp_sender(&[0x81, 201, 0, 1, 0, 0, 1, 2]), Some(0x102));
        assert_eq!(rtcp_sender(&[0x81, 201, 0, 1, 0, 0, 1]), None);
        assert_eq!(rtcp_sender(&[0x01, 201, 0, 1, 0, 0, 1, 2]), None);
    }
}
