//! The system calls of eBPF: maps, programs, links, and the ring through which a program speaks.

use super::check;
use crate::bpf::Instruction;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// What a map is made of.
#[derive(Clone, Copy)]
pub struct Shape<'a> {
    /// One of `enum bpf_map_type`.
    pub kind: u32,
    /// Bytes of a key.
    pub key: u32,
    /// Bytes of a value.
    pub value: u32,
    pub entries: u32,
    pub flags: u32,
    /// What the maps in a map of maps look like.
    pub inner: Option<&'a Map>,
}

/// A map in the kernel. It is gone with the last descriptor of it and the last program that uses it.
pub struct Map {
    file: OwnedFd,
    key: usize,
    value: usize,
}

#[repr(C)]
struct MapCreate {
    kind: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
    inner_map: u32,
}

#[repr(C)]
struct MapElement {
    map: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
struct ProgramLoad {
    kind: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
}

#[repr(C)]
struct LinkCreate {
    program: u32,
    interface: u32,
    attach_type: u32,
    flags: u32,
    // The kernel reads what belongs to the kind of link: none before or after which ours is to stand.
    anchor: u32,
    padding: u32,
    expected_revision: u64,
}

impl Map {
    pub(crate) fn new(shape: Shape<'_>) -> io::Result<Map> {
        let mut attributes = MapCreate {
            kind: shape.kind,
            key_size: shape.key,
            value_size: shape.value,
            max_entries: shape.entries,
            flags: shape.flags,
            inner_map: shape.inner.map_or(0, |inner| inner.file.as_raw_fd() as u32),
        };
        // SAFETY: the attributes hold no pointer.
        let fd = unsafe { call(MAP_CREATE, &mut attributes) }?;
        // SAFETY: the kernel has just made this descriptor and nobody else knows it.
        let file = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Map { file, key: shape.key as usize, value: shape.value as usize })
    }

    /// Puts `value` in the place of `key`.
    ///
    /// # Panics
    /// If they are not as long as the map was made for.
    pub fn set(&self, key: &[u8], value: &[u8]) -> io::Result<()> {
        assert_eq!((key.len(), value.len()), (self.key, self.value), "a key and a value of this map");
        let mut attributes = self.element(key, value.as_ptr() as u64);
        // SAFETY: both pointers are to memory borrowed through the call, as long as the map says; it is only read.
        unsafe { call(MAP_UPDATE_ELEMENT, &mut attributes) }.map(drop)
    }

    /// Puts a map in a place of a map of maps.
    ///
    /// # Panics
    /// If this is no map of maps.
    pub fn set_map(&self, index: u32, map: &Map) -> io::Result<()> {
        self.set(&index.to_ne_bytes(), &map.file.as_raw_fd().to_ne_bytes())
    }

    /// Takes the value of `key` away.
    ///
    /// # Panics
    /// If the key is not as long as the map was made for.
    pub fn remove(&self, key: &[u8]) -> io::Result<()> {
        assert_eq!(key.len(), self.key, "a key of this map");
        let mut attributes = self.element(key, 0);
        // SAFETY: the pointer is to memory borrowed through the call, as long as the map says; it is only read.
        unsafe { call(MAP_DELETE_ELEMENT, &mut attributes) }.map(drop)
    }

    fn element(&self, key: &[u8], value: u64) -> MapElement {
        MapElement { map: self.file.as_raw_fd() as u32, padding: 0, key: key.as_ptr() as u64, value, flags: 0 }
    }
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// `kind` is one of `enum bpf_prog_type`. What the kernel has against the program goes into `log`, unless that is empty.
pub fn load_program(kind: u32, instructions: &[Instruction], license: &CStr, log: &mut [u8]) -> io::Result<OwnedFd> {
    let mut attributes = ProgramLoad {
        kind,
        instruction_count: instructions.len() as u32,
        instructions: instructions.as_ptr() as u64,
        license: license.as_ptr() as u64,
        log_level: u32::from(!log.is_empty()),
        log_size: log.len() as u32,
        log: if log.is_empty() { 0 } else { log.as_mut_ptr() as u64 },
    };
    // SAFETY: instructions and licence are borrowed through the call and only read; the kernel writes at most `log_size` bytes of `log`,
    // which is borrowed mutably. An instruction is laid out as the kernel's `struct bpf_insn`.
    let fd = unsafe { call(PROGRAM_LOAD, &mut attributes) }?;
    // SAFETY: the kernel has just made this descriptor and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Has `program` see what arrives on `interface` for as long as the link lives.
pub fn link_ingress(program: BorrowedFd<'_>, interface: u32) -> io::Result<OwnedFd> {
    let mut attributes = LinkCreate {
        program: program.as_raw_fd() as u32,
        interface,
        attach_type: TCX_INGRESS,
        flags: 0,
        anchor: 0,
        padding: 0,
        expected_revision: 0,
    };
    // SAFETY: the attributes hold no pointer.
    let fd = unsafe { call(LINK_CREATE, &mut attributes) }?;
    // SAFETY: the kernel has just made this descriptor and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// # Safety
/// Every pointer in `attributes` is good for what `command` does with it, and `T` is laid out as the part of `union bpf_attr` that
/// belongs to it.
unsafe fn call<T>(command: libc::c_int, attributes: &mut T) -> io::Result<libc::c_int> {
    // SAFETY: `attributes` is borrowed through the call with its true size; the rest is the caller's word.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attributes as *mut T, size_of::<T>()) };
    check(result as libc::c_int)
}

/// The reading end of a map of the kind `BPF_MAP_TYPE_RINGBUF`, whose memory it shares with the kernel.
pub struct Ring {
    /// A page with the number of bytes read so far, which is ours to write.
    consumed: Mapping,
    /// A page with the number of bytes written so far, then twice the ring's memory, so that no record is broken at its end.
    produced: Mapping,
    size: u64,
    page: usize,
}

/// The memory of a map of the kind `BPF_MAP_TYPE_ARRAY` that was made to be shared. Programs may read and write it at any time.
pub struct Shared(Mapping);

// SAFETY: the memory belongs to whoever has the mapping, not to a thread.
unsafe impl Send for Shared {}

impl Shared {
    /// So many bytes of it from `start` on, which is a multiple of a page's; no more than the map has.
    pub fn new(map: &Map, start: usize, length: usize) -> io::Result<Shared> {
        Ok(Shared(Mapping::new(map.as_fd(), start, length, libc::PROT_READ | libc::PROT_WRITE)?))
    }

    /// Puts bytes where a program may see them, in no order that it could rely on.
    ///
    /// # Panics
    /// If that is not within the memory.
    pub fn write(&mut self, at: usize, bytes: &[u8]) {
        assert!(at <= self.0.length && bytes.len() <= self.0.length - at, "within the memory");
        // SAFETY: within the mapping, which lives as long as `self`; nothing is ever borrowed from it.
        unsafe { self.0.start.as_ptr().add(at).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }

    /// The number at `at`. What a program wrote before it is seen after this.
    ///
    /// # Panics
    /// If that is not within the memory, or no multiple of eight.
    pub fn load(&self, at: usize) -> u64 {
        self.number_at(at).load(Ordering::Acquire)
    }

    /// Puts a number at `at`, in one piece: before all that is written after this, and after all that was written before it.
    ///
    /// # Panics
    /// If that is not within the memory, or no multiple of eight.
    pub fn store(&mut self, at: usize, number: u64) {
        self.number_at(at).store(number, Ordering::Release);
        fence(Ordering::Release);
    }

    /// # Panics
    /// If that is not within the memory, or no multiple of eight.
    fn number_at(&self, at: usize) -> &AtomicU64 {
        assert!(at.is_multiple_of(8) && at < self.0.length && self.0.length - at >= 8, "within the memory");
        // SAFETY: within the mapping, which begins at a page and lives as long as `self`; programs write such numbers atomically.
        unsafe { self.0.start.add(at).cast::<AtomicU64>().as_ref() }
    }
}

/// Memory shared with the kernel.
struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the memory belongs to whoever has the mapping, not to a thread.
unsafe impl Send for Ring {}

impl Ring {
    /// The end of a ring with `size` bytes: a power of two, and whole pages.
    pub fn new(map: &Map, size: u32) -> io::Result<Ring> {
        // SAFETY: takes no pointer.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let consumed = Mapping::new(map.as_fd(), 0, page, libc::PROT_READ | libc::PROT_WRITE)?;
        let produced = Mapping::new(map.as_fd(), page, page + 2 * size as usize, libc::PROT_READ)?;
        Ok(Ring { consumed, produced, size: u64::from(size), page })
    }

    /// Takes out the oldest record, if there is one.
    pub fn take<T>(&mut self, mut take: impl FnMut(&[u8]) -> T) -> Option<T> {
        const BUSY: u32 = 1 << 31;
        const DISCARDED: u32 = 1 << 30;
        const HEADER: usize = 8;
        // SAFETY: both pages begin with a number that the kernel reads and writes atomically; they live as long as `self`.
        let (consumed, produced) = unsafe {
            (self.consumed.start.cast::<AtomicU64>().as_ref(), self.produced.start.cast::<AtomicU64>().as_ref())
        };
        loop {
            let at = consumed.load(Ordering::Relaxed);
            if at >= produced.load(Ordering::Acquire) {
                return None;
            }
            let offset = self.page + (at & (self.size - 1)) as usize;
            // SAFETY: records begin at multiples of eight within the ring's memory, with their length, which the kernel writes atomically.
            let length =
                unsafe { self.produced.start.add(offset).cast::<AtomicU32>().as_ref() }.load(Ordering::Acquire);
            if length & BUSY != 0 {
                return None;
            }
            let bytes = (length & !DISCARDED) as usize;
            // SAFETY: a record that is not busy is written no more until `consumed` is past it; it begins within the first of the two copies
            // of the memory and is no longer than one, hence lies within the mapping.
            let record =
                unsafe { std::slice::from_raw_parts(self.produced.start.add(offset + HEADER).as_ptr(), bytes) };
            let taken = (length & DISCARDED == 0).then(|| take(record));
            consumed.store(at + (bytes + HEADER).next_multiple_of(8) as u64, Ordering::Release);
            if taken.is_some() {
                return taken;
            }
        }
    }
}

impl Mapping {
    fn new(file: BorrowedFd<'_>, offset: usize, length: usize, protection: libc::c_int) -> io::Result<Mapping> {
        // SAFETY: the kernel chooses the place, so that no memory in use is mapped over.
        let start = unsafe {
            libc::mmap(null_mut(), length, protection, libc::MAP_SHARED, file.as_raw_fd(), offset as libc::off_t)
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).expect("nothing is mapped at zero unless asked for");
        Ok(Mapping { start, length })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length, and nothing borrowed from it outlives it.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

// Of `enum bpf_cmd`, and of `enum bpf_attach_type` the last.
const MAP_CREATE: libc::c_int = 0;
const MAP_UPDATE_ELEMENT: libc::c_int = 2;
const MAP_DELETE_ELEMENT: libc::c_int = 3;
const PROGRAM_LOAD: libc::c_int = 5;
const LINK_CREATE: libc::c_int = 28;
const TCX_INGRESS: u32 = 46;
