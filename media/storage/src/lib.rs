//! The object store, and recordings on their way into it.
//!
//! [`Objects`] is a folder or a bucket. [`Recordings::begin`] gives a [`Tap`], into which the thread of a call pours sound without ever
//! waiting; a thread of ours makes segments of it ([`recording::Segmenter`]), another writes each finished one into the spool, a folder of
//! this machine, and a third puts what lies in the spool into the store. What a dead store or a full disk leaves no room for becomes a gap
//! in the manifest, and [`Health`] says so at once.

mod check;
mod health;
mod objects;
mod parcel;
mod pile;
mod recorder;
mod recordings;
mod sender;
mod spool;
mod tap;

pub use check::{CheckError, check};
pub use health::Health;
pub use objects::{Objects, ObjectsError, OpenError};
pub use recording::{Form, Id, Layout, Rate};
pub use recordings::{About, BeginError, Recordings, Settings, StartError};
pub use tap::Tap;
