//! The functions of libbcg729, and the states that they keep.
//!
//! All that is unsafe here is calling into the library: its functions are declared as its header `bcg729/encoder.h` and
//! `bcg729/decoder.h` of version 1.1 have them, and a state is used by one owner at a time.
#![allow(unsafe_code)]

use libloading::Library;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

/// Where it is looked for; the loader knows the folders.
const NAMES: [&str; 2] = ["libbcg729.so.0", "libbcg729.so"];

/// What is used of the library, as long as it stays loaded.
pub struct Functions {
    encoder_new: unsafe extern "C" fn(u8) -> *mut c_void,
    encoder_free: unsafe extern "C" fn(*mut c_void),
    encode: unsafe extern "C" fn(*mut c_void, *const i16, *mut u8, *mut u8),
    decoder_new: unsafe extern "C" fn() -> *mut c_void,
    decoder_free: unsafe extern "C" fn(*mut c_void),
    decode: unsafe extern "C" fn(*mut c_void, *const u8, u8, u8, u8, u8, *mut i16),
    /// Keeps the functions where they are.
    _library: Library,
}

impl Functions {
    pub fn load() -> Result<Functions, libloading::Error> {
        // SAFETY: loading runs the library's initialisers, of which this one has none; the operator has installed it.
        let library = NAMES.iter().map(|name| unsafe { Library::new(name) }).reduce(Result::or).expect("a name")?;
        // SAFETY: the types are those of the library's headers, and the library stays loaded as long as they are used.
        unsafe {
            Ok(Functions {
                encoder_new: *library.get(b"initBcg729EncoderChannel")?,
                encoder_free: *library.get(b"closeBcg729EncoderChannel")?,
                encode: *library.get(b"bcg729Encoder")?,
                decoder_new: *library.get(b"initBcg729DecoderChannel")?,
                decoder_free: *library.get(b"closeBcg729DecoderChannel")?,
                decode: *library.get(b"bcg729Decoder")?,
                _library: library,
            })
        }
    }
}

/// The state of one stream that is said.
pub struct Encoder {
    functions: Arc<Functions>,
    state: NonNull<c_void>,
}

/// The state of one stream that is heard.
pub struct Decoder {
    functions: Arc<Functions>,
    state: NonNull<c_void>,
}

// SAFETY: a state is plain memory that no thread is tied to, and is used through `&mut` only.
unsafe impl Send for Encoder {}
// SAFETY: as above.
unsafe impl Send for Decoder {}

impl Encoder {
    /// `None`: there is no memory for it.
    pub fn new(functions: Arc<Functions>, annex_b: bool) -> Option<Encoder> {
        // SAFETY: takes a flag and gives a new state, or null.
        let state = NonNull::new(unsafe { (functions.encoder_new)(u8::from(annex_b)) })?;
        Some(Encoder { functions, state })
    }

    /// Returns the bytes of the frame: 10, 2 or 0.
    pub fn encode(&mut self, samples: &[i16; 80], frame: &mut [u8; 10]) -> usize {
        let mut length = 0;
        // SAFETY: reads 80 samples and writes at most 10 bytes and one length.
        unsafe { (self.functions.encode)(self.state.as_ptr(), samples.as_ptr(), frame.as_mut_ptr(), &mut length) };
        usize::from(length).min(frame.len())
    }
}

impl Decoder {
    /// `None`: there is no memory for it.
    pub fn new(functions: Arc<Functions>) -> Option<Decoder> {
        // SAFETY: gives a new state, or null.
        let state = NonNull::new(unsafe { (functions.decoder_new)() })?;
        Some(Decoder { functions, state })
    }

    /// A frame of 10 bytes of speech or 2 that describe silence; `None`: it was lost.
    pub fn decode(&mut self, frame: Option<&[u8]>) -> [i16; 80] {
        let mut bytes = [0; 10];
        let length = frame.map_or(0, |frame| frame.len().min(bytes.len()));
        bytes[..length].copy_from_slice(&frame.unwrap_or_default()[..length]);
        let (lost, silence) = (u8::from(frame.is_none()), u8::from(length == 2));
        let mut samples = [0; 80];
        // SAFETY: reads at most 10 bytes and writes 80 samples.
        unsafe {
            let (bytes, samples) = (bytes.as_ptr(), samples.as_mut_ptr());
            (self.functions.decode)(self.state.as_ptr(), bytes, length as u8, lost, silence, 0, samples);
        }
        samples
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: the state came from `encoder_new` and is not used any more.
        unsafe { (self.functions.encoder_free)(self.state.as_ptr()) };
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the state came from `decoder_new` and is not used any more.
        unsafe { (self.functions.decoder_free)(self.state.as_ptr()) };
    }
}
