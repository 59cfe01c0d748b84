//! Programs in the kernel (eBPF), as far as packets that arrive are concerned.
//!
//! What is made here lives as long as its value: a process that dies leaves nothing behind.

use crate::sys;
use crate::sys::bpf::Shape;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

pub use sys::bpf::{Map, Ring, Shared};

/// One instruction (RFC 9669 §3.1), laid out as a little-endian kernel takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// What to do.
    pub code: u8,
    /// The register written in the lower four bits, the one read in the upper.
    pub registers: u8,
    /// Bytes from an address, or instructions to jump over.
    pub offset: i16,
    /// A constant.
    pub immediate: i32,
}

/// A program for packets, accepted by the kernel.
pub struct Program(OwnedFd);

/// A program's place at an interface.
pub struct Link(#[expect(dead_code, reason = "the place is given up when this is dropped")] OwnedFd);

/// A hash map of so many entries with keys and values of so many bytes.
///
/// # Errors
/// The process may not (`CAP_BPF`), or the kernel has no memory for it.
pub fn hash_map(key: u32, value: u32, entries: u32) -> io::Result<Map> {
    const HASH: u32 = 1;
    /// Entries cost memory when they are there, not before.
    const NO_PREALLOC: u32 = 1;
    Map::new(Shape { kind: HASH, key, value, entries, flags: NO_PREALLOC, inner: None })
}

/// A ring of `size` bytes (a power of two, whole pages) that programs write to and [`Ring`] reads.
///
/// # Errors
/// As [`hash_map`].
pub fn ring_map(size: u32) -> io::Result<Map> {
    const RING: u32 = 27;
    Map::new(Shape { kind: RING, key: 0, value: 0, entries: size, flags: 0, inner: None })
}

/// An array of `entries` values of `value` bytes (whole pages), whose memory is [`Shared`] with programs.
///
/// # Errors
/// As [`hash_map`].
pub fn shared_array(value: u32, entries: u32) -> io::Result<Map> {
    const ARRAY: u32 = 2;
    const MMAPABLE: u32 = 1 << 10;
    Map::new(Shape { kind: ARRAY, key: 4, value, entries, flags: MMAPABLE, inner: None })
}

/// Places for `entries` maps like `inner`, by their number.
///
/// # Errors
/// As [`hash_map`].
pub fn array_of_maps(inner: &Map, entries: u32) -> io::Result<Map> {
    const ARRAY_OF_MAPS: u32 = 12;
    Map::new(Shape { kind: ARRAY_OF_MAPS, key: 4, value: 4, entries, flags: 0, inner: Some(inner) })
}

impl Program {
    /// Has the kernel check and translate a program that sees packets as `struct __sk_buff`.
    ///
    /// # Errors
    /// The process may not (`CAP_BPF`, `CAP_NET_ADMIN`), or the kernel finds something wrong with the program; then the error has the end
    /// of what the kernel says of it.
    pub fn load(instructions: &[Instruction], license: &CStr) -> io::Result<Program> {
        const PACKETS: u32 = 3;
        match sys::bpf::load_program(PACKETS, instructions, license, &mut []) {
            Ok(program) => Ok(Program(program)),
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => Err(error),
            Err(error) => {
                let mut log = vec![0; 1 << 20];
                let again = sys::bpf::load_program(PACKETS, instructions, license, &mut log);
                let said =
                    String::from_utf8_lossy(log.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned();
                let lines: Vec<&str> = said.lines().collect();
                let end = lines[lines.len().saturating_sub(6)..].join("; ");
                again.map(Program).map_err(|_| io::Error::other(format!("{error}: {end}")))
            }
        }
    }

    /// Shows it what arrives on an interface, before the network stack sees it, beside what others have there.
    ///
    /// # Errors
    /// There is no such interface, or the kernel is older than Linux 6.6.
    pub fn link_ingress(&self, interface: u32) -> io::Result<Link> {
        sys::bpf::link_ingress(self.0.as_fd(), interface).map(Link)
    }
}
