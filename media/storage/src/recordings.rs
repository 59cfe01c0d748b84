//! All recordings of a media node.

use crate::health::Health;
use crate::objects::Objects;
use crate::pile::{Bounds, Pile};
use crate::recorder::{Recorder, Recording};
use crate::sender;
use crate::spool::Spool;
use crate::tap::{Missed, Tap};
use recording::{Form, Id, Layout, Rate, Segmenter, folder};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How recordings are kept.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where they go.
    pub objects: Objects,
    /// The folder in which finished segments wait, of this process alone.
    pub spool: PathBuf,
    /// Bytes that wait there at most.
    pub spool_bytes: u64,
    /// Bytes that wait in memory at most, while the spool takes none.
    pub memory_bytes: u64,
    /// Sound in a segment, 1–600 s: what a process that dies loses at most.
    pub segment: Duration,
    /// Sound that waits for the recorder in each tap, at least 200 ms.
    pub queue: Duration,
    /// Threads that encode, at least one.
    pub threads: usize,
    /// Between an attempt to put or spool that failed and the next; doubled up to `longest_wait`.
    pub first_wait: Duration,
    /// See `first_wait`.
    pub longest_wait: Duration,
}

impl Settings {
    /// The usual ones.
    pub fn new(objects: Objects, spool: PathBuf) -> Settings {
        Settings {
            objects,
            spool,
            // 9 hours of stereo WAV at 8 kHz, or 60 of Opus.
            spool_bytes: 1 << 30,
            memory_bytes: 64 << 20,
            segment: Duration::from_secs(10),
            // A disk that stalls holds up the spooler, not the recorder; this is for a machine that is busy.
            queue: Duration::from_secs(4),
            threads: 1,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
        }
    }
}

/// What is recorded.
#[derive(Debug, Clone)]
pub struct About {
    /// Its name, never used twice on a day: what has been stored under it would be replaced.
    pub id: Id,
    /// Its beginning, in milliseconds since 1970 (UTC).
    pub started: u64,
    /// Samples a second of both sides.
    pub rate: Rate,
    /// What becomes of the two sides.
    pub layout: Layout,
    /// The kind of file.
    pub form: Form,
    /// What the manifest's first entry says: Call-ID, parties.
    pub facts: BTreeMap<String, String>,
}

/// A handle for all who record. The threads end with [`stop`](Recordings::stop), or after the last handle and the last tap.
#[derive(Clone)]
pub struct Recordings {
    shared: Arc<Shared>,
}

struct Shared {
    segment: Duration,
    blocks: usize,
    begun: AtomicUsize,
    count: Arc<AtomicUsize>,
    stopping: Arc<AtomicBool>,
    recorders: Vec<SyncSender<Recording>>,
    pile: Arc<Pile>,
    threads: Mutex<Option<Threads>>,
}

struct Threads {
    recorders: Vec<JoinHandle<()>>,
    spooler: JoinHandle<()>,
    sender: JoinHandle<()>,
}

/// Why recordings are not kept at all.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The spool's folder cannot be used.
    #[error("the spool of recordings {path}: {why}")]
    Spool {
        /// The folder.
        path: PathBuf,
        /// The operating system's reason.
        why: io::Error,
    },
    /// The machine gives no thread.
    #[error("recordings: {0}")]
    Machine(#[from] io::Error),
}

/// Why a recording does not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BeginError {
    /// More begin than the recorder takes notice of.
    #[error("too many recordings begin at once")]
    Busy,
    /// Recordings were stopped.
    #[error("recordings are stopped")]
    Stopped,
}

impl Recordings {
    /// Starts the threads, and puts what an earlier process left in the spool.
    pub fn start(settings: Settings) -> Result<Recordings, StartError> {
        let bounds = Bounds {
            spool: settings.spool_bytes,
            memory: settings.memory_bytes,
            first_wait: settings.first_wait,
            longest_wait: settings.longest_wait,
        };
        let opened = Spool::open(&settings.spool);
        let (spool, left) = opened.map_err(|why| StartError::Spool { path: settings.spool.clone(), why })?;
        if !left.is_empty() {
            tracing::info!(segments = left.len(), "segments of an earlier process are in the spool");
        }
        let pile = Arc::new(Pile::new(spool, left, bounds));
        let (count, stopping) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (mut recorders, mut handles) = (Vec::new(), Vec::new());
        for _ in 0..settings.threads.max(1) {
            let (begin, news) = std::sync::mpsc::sync_channel(BEGINNING);
            let (pile, count, stopping) = (pile.clone(), count.clone(), stopping.clone());
            let recorder = Recorder { news, pile, count, stopping };
            handles.push(thread("recorder", move || recorder.run())?);
            recorders.push(begin);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let sending = sender::send_all(pile.clone(), settings.objects);
        let sender = thread("recordings", move || {
            runtime.block_on(sending);
            // A folder on a dead network file system is not waited for.
            runtime.shutdown_background();
        })?;
        let spooling = pile.clone();
        let spooler = thread("spool", move || spooling.spool_all())?;
        let shared = Shared {
            segment: settings.segment,
            blocks: (settings.queue.as_millis() / 100).max(2) as usize,
            begun: AtomicUsize::new(0),
            count,
            stopping,
            recorders,
            pile,
            threads: Mutex::new(Some(Threads { recorders: handles, spooler, sender })),
        };
        Ok(Recordings { shared: Arc::new(shared) })
    }

    /// Begins a recording; its sound goes into the tap. Does not wait.
    pub fn begin(&self, about: About) -> Result<Tap, BeginError> {
        let shared = &self.shared;
        if shared.stopping.load(Ordering::Acquire) {
            return Err(BeginError::Stopped);
        }
        let (tap, drain) = Tap::new(about.rate, shared.blocks, shared.pile.lost().clone());
        let folder = folder(&about.id, about.started);
        tracing::info!(recording = %about.id, folder, "recording begins");
        let recording = Recording {
            id: about.id.to_string(),
            folder,
            rate: about.rate,
            segmenter: Segmenter::new(recording::Settings {
                id: about.id,
                started: about.started,
                rate: about.rate,
                layout: about.layout,
                form: about.form,
                segment: shared.segment,
                about: about.facts,
            }),
            drain,
            missed: Missed::default(),
        };
        let thread = shared.begun.fetch_add(1, Ordering::Relaxed) % shared.recorders.len();
        shared.count.fetch_add(1, Ordering::Relaxed);
        shared.recorders[thread].try_send(recording).map_err(|refused| {
            shared.count.fetch_sub(1, Ordering::Relaxed);
            match refused {
                TrySendError::Full(_) => BeginError::Busy,
                TrySendError::Disconnected(_) => BeginError::Stopped,
            }
        })?;
        Ok(tap)
    }

    /// How they fare.
    pub fn health(&self) -> Health {
        // Before the pile is looked at, where the last segments of one that has ended lie by then.
        let recordings = self.shared.count.load(Ordering::Acquire);
        Health { recordings, ..self.shared.pile.health() }
    }

    /// Ends every recording and waits up to `patience` until everything is in the store. What is not by then stays in the spool. Blocks.
    pub fn stop(&self, patience: Duration) -> Health {
        let deadline = Instant::now() + patience;
        self.shared.stopping.store(true, Ordering::Release);
        let threads = self.shared.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Threads { recorders, spooler, sender }) = threads else { return self.health() };
        wait_for(recorders, deadline);
        self.shared.pile.close();
        wait_for([spooler, sender], deadline);
        let seconds = self.shared.pile.held_seconds();
        if seconds > 0.0 {
            tracing::error!(seconds, "recordings are LOST: they are in memory only, and the process ends");
        }
        self.health()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Taps may still be at work. Their recorders end after them, and only then is nothing added to the pile.
        let threads = self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        self.recorders.clear();
        let Some(Threads { recorders, .. }) = threads else { return };
        let pile = self.pile.clone();
        let ended = thread("recordings-end", move || {
            recorders.into_iter().for_each(|recorder| drop(recorder.join()));
            pile.close();
        });
        if let Err(error) = ended {
            tracing::error!(%error, "recordings do not end in order");
        }
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work)
}

fn wait_for(threads: impl IntoIterator<Item = JoinHandle<()>>, deadline: Instant) {
    for thread in threads {
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        if thread.is_finished() && thread.join().is_err() {
            tracing::error!("a thread of the recordings had panicked");
        }
    }
}

/// Recordings that have begun and that the recorder has not seen yet.
const BEGINNING: usize = 1024;
