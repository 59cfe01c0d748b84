//! What the edge does with whole messages, on a made-up cluster: proxies 1 and 2, media node 12.

mod calls;
mod direct;
mod register;
mod rules;
pub(crate) mod world;
