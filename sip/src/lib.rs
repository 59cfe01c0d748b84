//! SIP without sockets, threads or clocks: messages, authentication, transactions, dialogs.

pub mod aor;
pub mod build;
mod chars;
pub mod edit;
pub mod framing;
pub mod headers;
pub mod message;
pub mod uri;

pub use aor::Aor;
pub use build::Builder;
pub use edit::Edit;
pub use message::{Message, Method, Name};
pub use uri::Uri;

pub mod dialog;
pub mod digest;
pub mod endpoint;
pub mod hop;
pub mod random;
pub mod stateless;
pub mod timer;
pub mod token;
pub mod transaction;
