//! What stands in the headers that we read: addresses, Via, parameters, lists, challenges.

mod auth;
mod name_addr;
mod params;
mod split;
mod valued;
mod via;

pub use auth::AuthValue;
pub use name_addr::{ContactValue, NameAddr};
pub use params::Params;
pub use split::{Split, split_values};
pub(crate) use valued::exact;
pub use valued::{RAck, Valued, number};
pub use via::Via;

/// Why the value of a header is not well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Nothing where a value belongs.
    #[error("empty value")]
    Empty,
    /// A quoted string that does not end.
    #[error("quotes do not balance")]
    Quotes,
    /// `<` without `>` or text around them that does not belong there.
    #[error("angle brackets do not balance")]
    Brackets,
    /// A display name that would need quotes.
    #[error("malformed display name")]
    DisplayName,
    /// A URI that is empty or has characters that no URI has.
    #[error("malformed URI")]
    Uri,
    /// A parameter without a name, or with a malformed value.
    #[error("malformed parameter")]
    Parameter,
    /// A number that is none or out of range.
    #[error("number out of range")]
    Number,
    /// A host or port that is none.
    #[error("malformed host or port")]
    Host,
    /// A protocol other than SIP/2.0.
    #[error("malformed protocol")]
    Protocol,
    /// Anything else that the grammar does not allow.
    #[error("malformed value")]
    Malformed,
}
