//! From the sound of two sides to segments.

use crate::entry::{Entry, Gap, Hash, Sound, Why, merge};
use crate::format::{Form, Layout, Rate};
use crate::opus::Opus;
use crate::place::Id;
use crate::wav::Wav;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// What is fixed for a whole recording.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name.
    pub id: Id,
    /// Its beginning, in milliseconds since 1970 (UTC).
    pub started: u64,
    /// Samples a second of each side.
    pub rate: Rate,
    /// What becomes of the two sides.
    pub layout: Layout,
    /// The kind of file.
    pub form: Form,
    /// Sound in a segment, taken as 1–600 s.
    pub segment: Duration,
    /// What the manifest says of it.
    pub about: BTreeMap<String, String>,
}

/// One recording. After each input, [`poll_segment`](Segmenter::poll_segment) gives what has been closed, and each segment goes to
/// [`keep`](Segmenter::keep) or [`lose`](Segmenter::lose) before the next is asked for.
pub struct Segmenter {
    settings: Settings,
    /// Samples of each channel in a full segment.
    length: u64,
    number: u32,
    previous: Hash,
    span: Span,
    file: Option<File>,
    closed: VecDeque<Segment>,
    /// Both sides as the file has them.
    woven: Vec<i16>,
}

/// A closed segment that is not in the manifest yet.
#[derive(Debug)]
pub struct Segment {
    span: Span,
    /// The file.
    pub bytes: Vec<u8>,
}

/// A segment that is in the manifest.
#[derive(Debug)]
pub struct Kept {
    /// What the manifest says.
    pub entry: Entry,
    /// The file, named by `entry.sound`.
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, Default)]
struct Span {
    first: u64,
    samples: u64,
    gaps: Vec<Gap>,
}

enum File {
    Wav(Wav),
    Opus(Box<Opus>),
}

impl Segmenter {
    /// At the beginning.
    pub fn new(settings: Settings) -> Segmenter {
        let seconds = settings.segment.clamp(Duration::from_secs(1), Duration::from_secs(600)).as_secs_f64();
        let length = (seconds * f64::from(settings.rate.hz())) as u64;
        Segmenter {
            settings,
            length,
            number: 0,
            previous: Hash::default(),
            span: Span::default(),
            file: None,
            closed: VecDeque::new(),
            woven: Vec::new(),
        }
    }

    /// Takes sound of both sides; the shorter one is followed by silence.
    pub fn push(&mut self, mut left: &[i16], mut right: &[i16]) {
        while !left.is_empty() || !right.is_empty() {
            let room = (self.length - self.span.samples) as usize;
            let count = left.len().max(right.len()).min(room);
            let (one, two) = (left.len().min(count), right.len().min(count));
            self.weave(&left[..one], &right[..two], count);
            (left, right) = (&left[one..], &right[two..]);
            self.span.samples += count as u64;
            if self.span.samples == self.length {
                self.close();
            }
        }
    }

    /// Takes it that so many samples of both sides are missing. Where that makes a segment's time full, it is closed, so that a long pause
    /// does not keep the sound before it from being stored.
    pub fn gap(&mut self, samples: u64, why: Why) {
        self.span.gap(samples, why);
        let silent = self.span.gaps.last().filter(|gap| gap.at + gap.samples == self.span.behind());
        let silent = silent.map_or(0, |gap| gap.samples);
        let is_due = self.span.samples + silent >= self.length || self.span.gaps.len() >= MOST_GAPS;
        if self.span.samples > 0 && is_due {
            self.close();
        }
    }

    /// Closes the segment in progress, if there is sound in it.
    pub fn close(&mut self) {
        let Some(file) = self.file.take() else { return };
        let bytes = match file {
            File::Wav(wav) => wav.finish(),
            File::Opus(opus) => opus.finish(),
        };
        let next = Span { first: self.span.behind(), ..Span::default() };
        self.closed.push_back(Segment { span: std::mem::replace(&mut self.span, next), bytes });
    }

    /// The oldest closed segment.
    pub fn poll_segment(&mut self) -> Option<Segment> {
        self.closed.pop_front()
    }

    /// The segment is kept: it becomes the manifest's next entry.
    pub fn keep(&mut self, segment: Segment) -> Kept {
        let file = format!("{:06}.{}", self.number, self.settings.form.ending());
        let sound = Sound { file, sha256: Hash::of(&segment.bytes) };
        Kept { entry: self.entry(segment.span, Some(sound)), bytes: segment.bytes }
    }

    /// The segment cannot be kept: its time becomes a gap of the next entry. Gives the samples of sound lost.
    pub fn lose(&mut self, segment: Segment) -> u64 {
        let next = self.closed.front_mut().map_or(&mut self.span, |segment| &mut segment.span);
        next.follow(&segment.span);
        segment.span.samples
    }

    /// The entry that ends the manifest. Sound that was neither kept nor lost is said to be lost.
    pub fn end(mut self) -> Entry {
        self.close();
        while let Some(segment) = self.poll_segment() {
            self.lose(segment);
        }
        let span = std::mem::take(&mut self.span);
        self.entry(span, None)
    }

    fn entry(&mut self, span: Span, sound: Option<Sound>) -> Entry {
        let rate = self.settings.rate;
        let mut entry = Entry {
            recording: self.settings.id.to_string(),
            number: self.number,
            start: self.settings.started + span.first * 1000 / u64::from(rate.hz()),
            first: span.first,
            samples: span.samples,
            rate,
            layout: self.settings.layout,
            gaps: span.gaps,
            end: sound.is_none(),
            sound,
            about: std::mem::take(&mut self.settings.about),
            previous: self.previous,
            chain: Hash::default(),
        };
        entry.chain = entry.link();
        (self.number, self.previous) = (self.number + 1, entry.chain);
        entry
    }

    /// Appends `count` samples of each side to the file.
    fn weave(&mut self, left: &[i16], right: &[i16], count: usize) {
        let silence = std::iter::repeat(&0);
        let sides = left.iter().chain(silence.clone()).zip(right.iter().chain(silence)).take(count);
        self.woven.clear();
        match self.settings.layout {
            Layout::Stereo => self.woven.extend(sides.flat_map(|(left, right)| [*left, *right])),
            Layout::Mixed => self.woven.extend(sides.map(|(left, right)| left.saturating_add(*right))),
        }
        let Settings { rate, layout, form, .. } = self.settings;
        let file = self.file.get_or_insert_with(|| match form {
            Form::Wav => {
                let expected = self.length as usize * usize::from(layout.channels());
                File::Wav(Wav::new(rate.hz(), layout.channels(), expected))
            }
            Form::Opus => File::Opus(Box::new(Opus::new(rate, layout, self.number + 1))),
        });
        match file {
            File::Wav(wav) => wav.push(&self.woven),
            File::Opus(opus) => opus.push(&self.woven),
        }
    }
}

impl Span {
    fn behind(&self) -> u64 {
        self.first + self.samples + self.gaps.iter().map(|gap| gap.samples).sum::<u64>()
    }

    /// Something is missing behind what there is.
    fn gap(&mut self, samples: u64, why: Why) {
        let at = self.behind();
        self.gaps.push(Gap { at, samples, why });
        merge(&mut self.gaps);
    }

    /// Takes the time of a lost segment before its own.
    fn follow(&mut self, lost: &Span) {
        let mut gaps = Vec::with_capacity(2 * lost.gaps.len() + 1 + self.gaps.len());
        let mut place = lost.first;
        for gap in &lost.gaps {
            gaps.push(Gap { at: place, samples: gap.at - place, why: Why::Lost });
            gaps.push(*gap);
            place = gap.at + gap.samples;
        }
        gaps.push(Gap { at: place, samples: self.first - place, why: Why::Lost });
        merge(&mut gaps);
        // Nothing of this time is left, so it may as well be one gap.
        if gaps.len() > MOST_GAPS {
            gaps = vec![Gap { at: lost.first, samples: self.first - lost.first, why: Why::Lost }];
        }
        self.first = lost.first;
        gaps.append(&mut self.gaps);
        merge(&mut gaps);
        self.gaps = gaps;
    }
}

/// An entry with more gaps is closed, so that its size has a bound.
const MOST_GAPS: usize = 1000;

#[cfg(test)]
pub(crate) mod tests;
