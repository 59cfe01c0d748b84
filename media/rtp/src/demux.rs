//! What a datagram on a media port is, told by its first bytes.

/// Kinds of datagrams that share a port (RFC 7983, and RFC 5761 for RTCP).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Datagram {
    /// Sound, pictures, events.
    Rtp,
    /// Reports and feedback.
    Rtcp,
    /// Connectivity checks and keep-alives.
    Stun,
    /// Handshakes of DTLS and what travels inside.
    Dtls,
    /// Key agreement between phones in the media (RFC 6189).
    Zrtp,
    /// Data of a TURN channel.
    Turn,
    /// Anything else; T.38, or noise.
    Other,
}

impl Datagram {
    /// Looks at the first two bytes.
    pub fn classify(bytes: &[u8]) -> Datagram {
        match *bytes {
            // The packet types of RTCP are the payload types 64 to 95 with the marker set, which RTP leaves free.
            [128..=191, 192..=223, ..] => Datagram::Rtcp,
            [128..=191, _, ..] => Datagram::Rtp,
            [0..=3, ..] => Datagram::Stun,
            [16..=19, ..] => Datagram::Zrtp,
            [20..=63, ..] => Datagram::Dtls,
            [64..=79, ..] => Datagram::Turn,
            _ => Datagram::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Datagram;

    #[test]
    fn first_bytes_tell_what_it_is() {
        assert_eq!(Datagram::classify(&[0x80, 0]), Datagram::Rtp);
        assert_eq!(Datagram::classify(&[0xbf, 0x80 | 96]), Datagram::Rtp);
        for packet_type in [192, 200, 201, 202, 203, 204, 205, 206, 207, 223] {
            assert_eq!(Datagram::classify(&[0x81, packet_type]), Datagram::Rtcp);
        }
        assert_eq!(Datagram::classify(&[0x80, 191]), Datagram::Rtp);
        assert_eq!(Datagram::classify(&[0x80, 224]), Datagram::Rtp);
        assert_eq!(Datagram::classify(&[0, 1, 0, 0]), Datagram::Stun);
        assert_eq!(Datagram::classify(&[16]), Datagram::Zrtp);
        assert_eq!(Datagram::classify(&[22, 254]), Datagram::Dtls);
        assert_eq!(Datagram::classify(&[64]), Datagram::Turn);
        for other in [&[][..], &[4], &[15], &[80], &[127], &[128], &[192, 200]] {
            assert_eq!(Datagram::classify(other), Datagram::Other, "{other:?}");
        }
    }
}
