//! The real binary with real clients: SIPp, baresip and a browser. Each program is started by its test and ends with it.

mod administration;
mod audio;
mod baresip;
mod browser;
mod calls_with_baresip;
mod calls_with_sipp;
mod cluster;
mod codecs;
mod conference;
mod etcd;
mod leaks;
mod quality;
mod ready;
mod recorded;
mod sipp;

/// The binary under test.
const TANDEM: &str = env!("CARGO_BIN_EXE_tandem");
