//! The question that proxies and media nodes ask, wherever the registry runs.

use crate::wire::{LocateRequest, LocateResponse, RegisterRequest, RegisterResponse};

/// No registry answered in time, or none could reach its store: answer 503, or use what is cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no registry answered")]
pub struct Unavailable;

/// Takes the one answer to a question. It may be called at once in the asker's thread, or later in another: it must not block.
pub type Reply<T> = Box<dyn FnOnce(Result<T, Unavailable>) + Send>;

/// The registry in this process, or the ones reached over gRPC.
pub trait Registrar: Send + Sync + 'static {
    /// Applies a REGISTER that has passed authentication (RFC 3261 §10.3 from step 5 on).
    ///
    /// A 200 that changed the bindings is answered only after they are durable.
    fn register(&self, request: RegisterRequest, reply: Reply<RegisterResponse>);

    /// Finds where a user is registered.
    fn locate(&self, request: LocateRequest, reply: Reply<LocateResponse>);
}
