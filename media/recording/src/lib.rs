//! A recording as segments that tell by themselves whether one is missing.
//!
//! A [`Segmenter`] takes the sound of two sides and gives closed [`Segment`]s, each a whole WAV or Ogg/Opus file. What becomes of one is
//! said to it: [`Segmenter::keep`] makes the manifest's [`Entry`], which carries the file's hash and the hash of the entry before it;
//! [`Segmenter::lose`] turns the segment's time into a gap of the next. [`verify`] finds the first thing wrong with what was stored.
//!
//! Places are counted in samples since the beginning, sound and gaps alike. A gap takes no sound in the files.

mod entry;
mod format;
mod ogg;
mod opus;
mod place;
mod segmenter;
mod verify;
mod wav;

pub use entry::{Entry, Gap, Hash, HashError, Sound, Why};
pub use format::{Form, Layout, Rate, RateError};
pub use place::{Id, IdError, folder};
pub use segmenter::{Kept, Segment, Segmenter, Settings};
pub use verify::{Fault, Verified, Verifier, verify};
