//! What an epoll event of a shard is about.

/// The owner of a watched descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// A socket of the pair of media ports at this index.
    Media(u32, Component),
    /// SIP over UDP.
    Datagrams,
    /// SIP over TCP: a connection waits.
    Listener,
    /// SIP over TCP: the connection at this index.
    Connection(u32),
}

/// One of the two ports of a stream (RFC 8445 §4 has the word).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// The even port; carries RTCP too where the phone asked for it (RFC 5761).
    Rtp,
    /// The odd port.
    Rtcp,
}

impl From<Token> for u64 {
    fn from(token: Token) -> u64 {
        let (kind, index) = match token {
            Token::Media(index, Component::Rtp) => (0, index),
            Token::Media(index, Component::Rtcp) => (1, index),
            Token::Datagrams => (2, 0),
            Token::Listener => (3, 0),
            Token::Connection(index) => (4, index),
        };
        kind << 32 | u64::from(index)
    }
}

impl From<u64> for Token {
    /// Of a value that was made from a token.
    fn from(value: u64) -> Token {
        let index = value as u32;
        match value >> 32 {
            0 => Token::Media(index, Component::Rtp),
            1 => Token::Media(index, Component::Rtcp),
            2 => Token::Datagrams,
            3 => Token::Listener,
            _ => Token::Connection(index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_epoll() {
        for token in [
            Token::Media(0, Component::Rtp),
            Token::Media(u32::MAX, Component::Rtcp),
            Token::Datagrams,
            Token::Listener,
            Token::Connection(7),
        ] {
            assert_eq!(Token::from(u64::from(token)), token);
        }
    }
}
