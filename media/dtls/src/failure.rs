//! Why there are no keys, or none any more.

/// Why a handshake failed. None of these heals: the stream has to end, or to begin with a new offer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The peer's certificate is not the one that its SDP named: someone stands in between.
    #[error("the peer's certificate is not the one that its SDP names")]
    WrongCertificate,
    /// The peer speaks DTLS and none of our SRTP profiles.
    #[error("the peer has no SRTP profile in common with us")]
    NoCommonProfile,
    /// The peer does not answer any more.
    #[error("the peer does not answer")]
    TimedOut,
    /// The peer ended it with this alert (RFC 8446 §6).
    #[error("the peer refused with alert {0}")]
    Alert(u8),
    /// The peer does what DTLS does not allow, or what we do not support, such as RSA.
    #[error("{0}")]
    Protocol(dimpl::Error),
}

impl From<dimpl::Error> for Failure {
    fn from(error: dimpl::Error) -> Failure {
        match error {
            dimpl::Error::Timeout(_) => Failure::TimedOut,
            dimpl::Error::SecurityError(dimpl::SecurityError::FatalAlert { description }) => {
                Failure::Alert(description)
            }
            other => Failure::Protocol(other),
        }
    }
}
