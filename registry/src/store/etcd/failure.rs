//! What etcd's errors mean for whoever asked.

use crate::store::StoreError;
use etcd_client::Error;
use std::error;
use tonic::{Code, Status};

/// Whether trying again can help, and what to do where it cannot.
pub fn failure(why: &Error) -> StoreError {
    match why {
        Error::GRpcStatus(status) => match status.code() {
            Code::InvalidArgument
            | Code::Unauthenticated
            | Code::PermissionDenied
            | Code::OutOfRange
            | Code::FailedPrecondition => {
                let message = status.message();
                StoreError::Refused(format!("{message}{}", advice(message)))
            }
            _ => StoreError::Unavailable(unreachable(status)),
        },
        Error::InvalidArgs(_) | Error::InvalidUri(_) | Error::InvalidMetadataValue(_) => {
            StoreError::Refused(why.to_string())
        }
        _ => StoreError::Unavailable(chain(why)),
    }
}

/// Whether a token was given before etcd's users were changed; a new one is needed.
pub fn is_stale(why: &Error) -> bool {
    match why {
        Error::GRpcStatus(status) => status.message().contains("revision of auth store is old"),
        _ => false,
    }
}

/// An error with its causes, which say more than it does.
pub fn chain(why: &dyn error::Error) -> String {
    let mut text = why.to_string();
    let mut cause = why.source();
    while let Some(why) = cause {
        let more = why.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = why.source();
    }
    text
}

/// A connection that fails comes as a status whose causes tell of it.
fn unreachable(status: &Status) -> String {
    let message = match error::Error::source(status).map(chain) {
        Some(cause) if !status.message().contains(&cause) => cause,
        Some(_) | None => status.message().to_owned(),
    };
    format!("{message}{}", advice(&message))
}

/// Which key of the configuration to look at.
fn advice(message: &str) -> &'static str {
    let all = [
        ("user name is empty", "; give registry.etcd a user and a password_file"),
        ("authentication failed", "; see registry.etcd.user and registry.etcd.password_file"),
        ("authentication is not enabled", "; enable it in etcd, or leave registry.etcd.user away"),
        (
            "invalid peer certificate",
            "; registry.etcd.ca must have signed etcd's certificates, for the names in registry.store",
        ),
        ("connection closed", CERTIFICATE),
        ("received fatal alert", CERTIFICATE),
        ("reset by peer", CERTIFICATE),
        ("connection reset", CERTIFICATE),
        ("broken pipe", CERTIFICATE),
        ("permission denied", "; the user of registry.etcd needs a role that may read and write all keys"),
    ];
    all.iter().find(|(part, _)| message.contains(part)).map_or("", |(_, advice)| advice)
}

/// What a member wants that hangs up before it has said anything.
const CERTIFICATE: &str = "; if etcd has TLS, give registry.etcd a ca, and where it asks for them a cert and a key";

#[cfg(test)]
mod tests {
    use super::*;

    /// How a member that wants a certificate hangs up is a matter of which of its packets comes first.
    #[test]
    fn who_hangs_up_at_once_may_want_a_certificate() {
        let ways = [
            "transport error: connection error: connection reset",
            "transport error: Connection reset by peer (os error 104)",
            "transport error: connection closed before message completed",
            "transport error: received fatal alert: CertificateRequired",
            "transport error: broken pipe",
        ];
        for message in ways {
            assert_eq!(advice(message), CERTIFICATE, "{message}");
        }
        assert_eq!(advice("deadline has elapsed"), "");
    }
}
