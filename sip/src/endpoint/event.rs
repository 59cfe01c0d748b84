use crate::hop::Hop;

/// A request that we sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub(super) u64);

/// A request that we received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub(super) u64);

/// What the user of an endpoint must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A new request to respond to; never an ACK or CANCEL, and never a copy.
    Request {
        /// What to respond to.
        id: ServerId,
        /// The sender.
        from: Hop,
        /// The request, with `received` and `rport` in its topmost Via where they belong.
        bytes: Vec<u8>,
    },
    /// The caller no longer wants an answer; the CANCEL itself has been answered. Comes only while no final response has gone, and
    /// once; the INVITE wants a 487.
    Cancel {
        /// What is cancelled.
        invite: ServerId,
        /// The CANCEL's Reason (RFC 3326).
        reason: Option<String>,
    },
    /// The ACK of a 2xx has come, for the first time. The last event that names the id.
    Ack {
        /// Whose 2xx; `None` where no INVITE is known any more.
        invite: Option<ServerId>,
        /// The sender.
        from: Hop,
        /// The ACK.
        bytes: Vec<u8>,
    },
    /// Nobody acknowledged a 2xx: the dialog wants a BYE (RFC 3261 §13.3.1.4). The last event that names the id.
    AckMissing {
        /// Whose 2xx.
        invite: ServerId,
    },
    /// A response: every provisional one, the first final one, and each copy of an INVITE's 2xx.
    Response {
        /// To which request.
        id: ClientId,
        /// The sender.
        from: Hop,
        /// The response.
        bytes: Vec<u8>,
    },
    /// No final response came: as good as a 408 (RFC 3261 §8.1.3.1). The last event that names the id.
    Timeout {
        /// Which request.
        id: ClientId,
    },
    /// The request could not be sent: as good as a 503 (RFC 3261 §8.1.3.1). The last event that names the id.
    Unreachable {
        /// Which request.
        id: ClientId,
    },
    /// No more copies of a 2xx can come. The last event that names the id.
    Ended {
        /// Which INVITE.
        id: ClientId,
    },
}

/// What an endpoint dropped or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Bytes that are no message that we may act on; requests among them were answered where possible.
    pub malformed: u64,
    /// Responses to nothing of ours, or to what is over.
    pub stray_responses: u64,
    /// Requests refused with 482, because they came on two ways (RFC 3261 §8.2.2.2).
    pub merged: u64,
    /// Requests refused with 503, because too many transactions are open.
    pub refused: u64,
}
