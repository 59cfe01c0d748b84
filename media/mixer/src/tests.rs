//! The room as its participants hear it.

mod announcements;
mod changes;
mod levels;
mod model;
mod sound;
