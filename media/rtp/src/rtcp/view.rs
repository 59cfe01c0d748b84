//! Compound packets, read in place.

use super::{ReportBlock, SenderInfo};
use crate::Ssrc;

/// A compound packet whose parts all fit. One part alone, and one that begins without a report, are taken too (RFC
/// 5506).
#[derive(Debug, Clone, Copy)]
pub struct Compound<'a> {
    bytes: &'a [u8],
}

impl<'a> Compound<'a> {
    /// Most parts read in one compound packet.
    pub const MAX_PACKETS: usize = 64;

    /// Checks every part's version, length and counts.
    pub fn parse(bytes: &'a [u8]) -> Result<Compound<'a>, RtcpError> {
        let mut rest = bytes;
        for _ in 0..Compound::MAX_PACKETS {
            let Part { head, body, after } = Part::split(rest)?;
            if head[0] >> 6 != 2 {
                return Err(RtcpError::Version);
            }
            // RFC 3550 §6.4.1: only the last part may be padded.
            if head[0] & PADDING != 0 && !after.is_empty() {
                return Err(RtcpError::Padding);
            }
            Rtcp::read(head, body)?;
            rest = after;
            if rest.is_empty() {
                return Ok(Compound { bytes });
            }
        }
        Err(RtcpError::TooMany)
    }

    /// The parts in order.
    pub fn packets(&self) -> Packets<'a> {
        Packets { rest: self.bytes }
    }
}

/// One packet or block: its first word, its content, and what follows it.
struct Part<'a> {
    head: [u8; 4],
    body: &'a [u8],
    after: &'a [u8],
}

impl<'a> Part<'a> {
    fn split(bytes: &'a [u8]) -> Result<Part<'a>, RtcpError> {
        let (head, rest) = bytes.split_first_chunk::<4>().ok_or(RtcpError::Length)?;
        let length = 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
        let (body, after) = rest.split_at_checked(length).ok_or(RtcpError::Length)?;
        Ok(Part { head: *head, body, after })
    }
}

/// Parts of a compound packet in order.
#[derive(Debug, Clone)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Packets<'a> {
    type Item = Rtcp<'a>;

    fn next(&mut self) -> Option<Rtcp<'a>> {
        let Part { head, body, after } = Part::split(self.rest).ok()?;
        self.rest = after;
        Rtcp::read(head, body).ok()
    }
}

/// One part.
#[derive(Debug, Clone)]
pub enum Rtcp<'a> {
    /// SR (200).
    SenderReport {
        /// Who reports.
        ssrc: Ssrc,
        /// About itself.
        sender: SenderInfo,
        /// About others.
        reports: ReportBlocks<'a>,
    },
    /// RR (201).
    ReceiverReport {
        /// Who reports.
        ssrc: Ssrc,
        /// About others.
        reports: ReportBlocks<'a>,
    },
    /// SDES (202): every item of every chunk.
    Description(SdesItems<'a>),
    /// BYE (203).
    Bye {
        /// Who leaves, four bytes each.
        sources: &'a [[u8; 4]],
        /// Why, in the sender's words.
        reason: Option<&'a [u8]>,
    },
    /// RTPFB (205, RFC 4585): NACK and the like.
    TransportFeedback(Feedback<'a>),
    /// PSFB (206, RFC 4585): PLI, FIR and the like.
    PayloadFeedback(Feedback<'a>),
    /// XR (207, RFC 3611).
    Extended {
        /// Who reports.
        ssrc: Ssrc,
        /// Its blocks.
        blocks: Extended<'a>,
    },
    /// APP (204) and types not named here.
    Other {
        /// 192 to 223.
        packet_type: u8,
        /// What follows the first word.
        body: &'a [u8],
    },
}

/// Feedback on one source's stream (RFC 4585 §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feedback<'a> {
    /// What it asks for: 1 NACK or PLI, 4 FIR, 15 application's own.
    pub format: u8,
    /// Who asks.
    pub sender: Ssrc,
    /// Of whom.
    pub media: Ssrc,
    /// The rest.
    pub body: &'a [u8],
}

impl<'a> Rtcp<'a> {
    fn read(head: [u8; 4], body: &'a [u8]) -> Result<Rtcp<'a>, RtcpError> {
        let count = head[0] & 0x1f;
        let body = match body.last() {
            Some(&padding) if head[0] & PADDING != 0 => {
                let fits = padding != 0 && padding.is_multiple_of(4);
                let length = body.len().checked_sub(usize::from(padding)).filter(|_| fits);
                &body[..length.ok_or(RtcpError::Padding)?]
            }
            None if head[0] & PADDING != 0 => return Err(RtcpError::Padding),
            Some(_) | None => body,
        };
        let (words, _) = body.as_chunks::<4>();
        Ok(match head[1] {
            200 => {
                let [ssrc, high, low, timestamp, packets, octets] = first_words(words)?;
                let sender = SenderInfo { ntp: u64::from(high) << 32 | u64::from(low), timestamp, packets, octets };
                Rtcp::SenderReport { ssrc: Ssrc(ssrc), sender, reports: ReportBlocks::read(&words[6..], count)? }
            }
            201 => {
                let [ssrc] = first_words(words)?;
                Rtcp::ReceiverReport { ssrc: Ssrc(ssrc), reports: ReportBlocks::read(&words[1..], count)? }
            }
            202 => Rtcp::Description(SdesItems::read(body, count)?),
            203 => {
                let (sources, rest) = words.split_at_checked(usize::from(count)).ok_or(RtcpError::Count)?;
                let rest = rest.as_flattened();
                let reason = match rest.split_first() {
                    Some((&length, text)) => Some(text.get(..usize::from(length)).ok_or(RtcpError::Length)?),
                    None => None,
                };
                Rtcp::Bye { sources, reason }
            }
            205 | 206 => {
                let [sender, media] = first_words(words)?.map(Ssrc);
                let feedback = Feedback { format: count, sender, media, body: &body[8..] };
                if head[1] == 205 { Rtcp::TransportFeedback(feedback) } else { Rtcp::PayloadFeedback(feedback) }
            }
            207 => {
                let [ssrc] = first_words(words)?;
                Rtcp::Extended { ssrc: Ssrc(ssrc), blocks: Extended { rest: &body[4..] } }
            }
            192..=223 => Rtcp::Other { packet_type: head[1], body },
            _ => return Err(RtcpError::Type),
        })
    }
}

/// As many words as an array has, from the front.
fn first_words<const N: usize>(words: &[[u8; 4]]) -> Result<[u32; N], RtcpError> {
    let words = words.first_chunk::<N>().ok_or(RtcpError::Length)?;
    Ok(words.map(u32::from_be_bytes))
}

/// Report blocks of an SR or RR.
#[derive(Debug, Clone)]
pub struct ReportBlocks<'a> {
    words: &'a [[u8; 4]],
}

impl<'a> ReportBlocks<'a> {
    fn read(words: &'a [[u8; 4]], count: u8) -> Result<ReportBlocks<'a>, RtcpError> {
        let words = words.get(..6 * usize::from(count)).ok_or(RtcpError::Count)?;
        Ok(ReportBlocks { words })
    }
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.words.split_first_chunk::<6>()?;
        self.words = rest;
        let [ssrc, loss, highest_sequence, jitter, last_sender_report, delay] = block.map(u32::from_be_bytes);
        Some(ReportBlock {
            ssrc: Ssrc(ssrc),
            fraction_lost: (loss >> 24) as u8,
            // Sign-extended from 24 bits.
            lost: (loss << 8) as i32 >> 8,
            highest_sequence,
            jitter,
            last_sender_report,
            delay,
        })
    }
}

/// An item of a source description (RFC 3550 §6.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SdesItem<'a> {
    /// The source described.
    pub ssrc: Ssrc,
    /// 1 CNAME, 2 NAME, 6 TOOL ...
    pub kind: u8,
    /// UTF-8 by the RFC; not checked.
    pub text: &'a [u8],
}

/// Items of all chunks of an SDES packet.
#[derive(Debug, Clone)]
pub struct SdesItems<'a> {
    rest: &'a [u8],
    ssrc: Option<Ssrc>,
    chunks: u8,
}

impl<'a> SdesItems<'a> {
    fn read(body: &'a [u8], count: u8) -> Result<SdesItems<'a>, RtcpError> {
        let items = SdesItems { rest: body, ssrc: None, chunks: count };
        let mut check = items.clone();
        while check.step()?.is_some() {}
        Ok(items)
    }

    fn step(&mut self) -> Result<Option<SdesItem<'a>>, RtcpError> {
        loop {
            let Some(ssrc) = self.ssrc else {
                if self.chunks == 0 {
                    return Ok(None);
                }
                let (ssrc, rest) = self.rest.split_first_chunk::<4>().ok_or(RtcpError::Count)?;
                self.ssrc = Some(Ssrc(u32::from_be_bytes(*ssrc)));
                self.rest = rest;
                self.chunks -= 1;
                continue;
            };
            match self.rest {
                // A chunk ends with one to four zeros, up to a word's end; the body is whole words.
                [0, ..] => {
                    let zeros = (self.rest.len() + 3) % 4 + 1;
                    self.rest = &self.rest[zeros..];
                    self.ssrc = None;
                }
                [kind, length, rest @ ..] => {
                    let (text, rest) = rest.split_at_checked(usize::from(*length)).ok_or(RtcpError::Length)?;
                    self.rest = rest;
                    return Ok(Some(SdesItem { ssrc, kind: *kind, text }));
                }
                _ => return Err(RtcpError::Length),
            }
        }
    }
}

impl<'a> Iterator for SdesItems<'a> {
    type Item = SdesItem<'a>;

    fn next(&mut self) -> Option<SdesItem<'a>> {
        self.step().ok().flatten()
    }
}

/// Blocks of an extended report: type (7 VoIP metrics ...), type-specific byte, content (RFC 3611 §3). A block that
/// reaches past the end finishes the walk.
#[derive(Debug, Clone)]
pub struct Extended<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Extended<'a> {
    type Item = (u8, u8, &'a [u8]);

    fn next(&mut self) -> Option<(u8, u8, &'a [u8])> {
        let Part { head, body, after } = Part::split(self.rest).ok()?;
        self.rest = after;
        Some((head[0], head[1], body))
    }
}

/// Why bytes are no RTCP; such a packet is passed on between phones all the same, and not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RtcpError {
    /// A part is longer than what is there, or too short for its type.
    #[error("a packet's length does not fit")]
    Length,
    /// Not version 2.
    #[error("not RTP version 2")]
    Version,
    /// A type outside 192 to 223.
    #[error("not an RTCP packet type")]
    Type,
    /// More reports, chunks or sources announced than are there.
    #[error("a packet's count does not fit")]
    Count,
    /// Padding before the end, or that does not fit.
    #[error("padding does not fit")]
    Padding,
    /// More parts than [`Compound::MAX_PACKETS`].
    #[error("more than {} packets in one", Compound::MAX_PACKETS)]
    TooMany,
}

const PADDING: u8 = 1 << 5;
