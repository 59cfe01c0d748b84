//! Which codecs each leg is offered and answered, so that two phones with none in common talk all the same.
//!
//! An offer goes on with what the other phone said first, and with our own codecs after it. An answer that picked one of those is
//! told to the offerer as one of its own codecs instead, and the media plane makes the one out of the other. Everything is read out
//! of the descriptions in force: nothing else is stored.

use crate::media::{KeysHeard, KeysTold, Voice};
use codec::{Codec, IlbcMode, Library};
use proto::directory::Dtmf;
use sdp::service::{NoCommonCodec, Usage};
use sdp::{Format, Formats, Kind, ListedFormat, Media, NewFormat};

/// What a leg's phone may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy<'p> {
    /// Names of codecs, the preferred one first; empty: all, in the phones' order.
    pub codecs: &'p [Box<str>],
    pub dtmf: Dtmf,
    pub library: &'p Library,
}

/// Codecs that are added to an offer where the policy names none. Samples as they are would fill the line of who did not ask.
const ADDED: [Codec; 7] =
    [Codec::Opus, Codec::G722, Codec::Pcma, Codec::Pcmu, Codec::G729, Codec::Ilbc(IlbcMode::Ms20), Codec::Gsm];
/// Milliseconds of sound in a packet that we ask for, and that a phone gets which asks for nothing.
const PACKET_TIME: u16 = 20;
/// The payload type that most phones use for telephone-event too.
const EVENTS: u8 = 101;
/// Digits, *, # and A-D (RFC 4733 §2.4.1).
const KEYS: &str = "0-15";

impl Policy<'_> {
    /// What a phone is offered of a stream that another one said; `phone` is its own last description of it. `None`: that, as it was
    /// said.
    pub fn offer(self, said: &Media<'_>, phone: Option<&Media<'_>>) -> Option<Formats> {
        let sounds: Vec<Format<'_>> = sounds_of(said).filter(|format| self.allows(format)).collect();
        if !is_speech(said) || !{ sounds_of(said) }.any(|format| self.known(&format).is_some()) {
            return None;
        }
        let mut list = List { formats: Vec::new(), taken: said.payloads().map(|format| format.payload_type).collect() };
        let mut clocks = Vec::new();
        for wanted in self.wanted() {
            let is_wanted = |format: &&Format<'_>| wanted.is_none_or(|name| format.is(name));
            for format in sounds.iter().filter(is_wanted) {
                match self.means_another(phone, format) {
                    true => list.add(None, &rtpmap(format), format.parameters.unwrap_or_default()),
                    false => list.keep(format.payload_type),
                }
                clocks.push(format.clock);
            }
            for codec in self.added(wanted) {
                let is_it =
                    |format: &Format<'_>| self.known(format).is_some_and(|known| known.rtpmap() == codec.rtpmap());
                if !sounds.iter().any(is_it) {
                    let known = phone.and_then(|phone| number_in(phone, is_it));
                    list.add(known.or(codec.fixed_payload_type()), codec.rtpmap(), codec.fmtp());
                    clocks.push(codec.clock());
                }
            }
        }
        for format in said.payloads().filter(Format::is_companion) {
            if !format.is_telephone_event() || self.dtmf == Dtmf::Auto && clocks.contains(&format.clock) {
                list.keep(format.payload_type);
            }
        }
        for clock in self.event_clocks(&clocks) {
            let is_event = |format: &Format<'_>| format.is_telephone_event() && format.clock == clock;
            if !{ said.payloads() }.any(|format| is_event(&format)) {
                list.add_events(phone.and_then(|phone| number_in(phone, is_event)), clock);
            }
        }
        list.unless_as_said(said)
    }

    /// What a phone that made this offer is told of another phone's answer to what that one was offered. `None`: that, as it was
    /// said.
    ///
    /// # Errors
    /// Both have no codec in common, nor one each that can be made into the other.
    pub fn answer(self, offer: &Media<'_>, answer: &Media<'_>) -> Result<Option<Formats>, NoCommonCodec> {
        if !is_speech(offer) || !is_speech(answer) {
            return Ok(None);
        }
        let offered = |format: &Format<'_>| is_in(offer, format);
        // Many phones answer with all that they have.
        let in_common = { sounds_of(answer) }.find(|format| offered(format) && self.allows(format));
        let Some(chosen) = in_common.or_else(|| sounds_of(answer).next()) else { return Ok(None) };
        let mut list = List { formats: Vec::new(), taken: Vec::new() };
        let is_common = in_common.is_some();
        let (clock, ptime) = if is_common {
            let common = |format: &Format<'_>| {
                let is_allowed = match (format.is_companion(), format.is_telephone_event()) {
                    (_, true) => self.dtmf == Dtmf::Auto,
                    (true, false) => true,
                    (false, false) => self.allows(format),
                };
                is_allowed && offered(format)
            };
            answer.payloads().filter(common).for_each(|format| list.keep(format.payload_type));
            (chosen.clock, None)
        } else {
            self.known(&chosen).ok_or(NoCommonCodec)?;
            let (format, codec) = self.first(offer).ok_or(NoCommonCodec)?;
            list.add(Some(format.payload_type), &rtpmap(&format), codec.fmtp());
            (format.clock, Some(codec.packet_time(offer.ptime.unwrap_or(PACKET_TIME))))
        };
        let is_event = |format: &Format<'_>| format.is_telephone_event() && format.clock == clock;
        let is_answered = is_common && { answer.payloads() }.any(|format| is_event(&format));
        let can_convert = self.dtmf == Dtmf::Auto && self.known(&chosen).is_some();
        if let Some(event) = { offer.payloads() }.find(is_event).filter(|_| can_convert && !is_answered) {
            list.add(Some(event.payload_type), &rtpmap(&event), KEYS);
        }
        Ok(match ptime {
            Some(ptime) => Some(Formats { list: list.formats, ptime: Some(ptime) }),
            None => list.unless_as_said(answer),
        })
    }

    /// What the exchange itself offers.
    pub fn own_offer(self) -> Formats {
        let mut list = List { formats: Vec::new(), taken: Vec::new() };
        let mut clocks = Vec::new();
        for codec in self.wanted().flat_map(|wanted| self.added(wanted)) {
            list.add(codec.fixed_payload_type(), codec.rtpmap(), codec.fmtp());
            clocks.push(codec.clock());
        }
        self.event_clocks(&clocks).for_each(|clock| list.add_events(None, clock));
        Formats { list: list.formats, ptime: Some(PACKET_TIME) }
    }

    /// How a service that makes its own sound uses a format.
    pub fn usage(self, format: &Format<'_>) -> Option<Usage<'static>> {
        if format.is_telephone_event() {
            return (self.dtmf == Dtmf::Auto).then_some(Usage::AsSaid);
        }
        let codec = self.known(format).filter(|_| self.allows(format))?;
        Some(Usage::Own { fmtp: codec.fmtp(), ptime: codec.packet_time(PACKET_TIME) })
    }

    /// How the sound of a stream goes, by both descriptions in force.
    pub fn voice(self, ours: &Media<'_>, theirs: &Media<'_>) -> Option<Voice> {
        if !is_speech(ours) || !is_speech(theirs) {
            return None;
        }
        let common = |of: &Media<'_>, in_: &Media<'_>| -> Vec<codec::Format> {
            sounds_of(of).filter(|format| is_in(in_, format)).filter_map(|format| self.format(&format)).collect()
        };
        let (from_phone, to_phone) = (common(ours, theirs), common(theirs, ours));
        // What we cannot look into may be what is spoken.
        if to_phone.is_empty() || to_phone.len() < { sounds_of(theirs) }.filter(|format| is_in(ours, format)).count() {
            return None;
        }
        let clock = to_phone[0].codec.clock();
        let events = |of: &Media<'_>, in_: &Media<'_>| -> Vec<(u8, u32)> {
            let events = of.payloads().filter(|format| format.is_telephone_event() && is_in(in_, format));
            events.map(|event| (event.payload_type, event.clock)).collect()
        };
        let (heard, told) = (events(ours, theirs), events(theirs, ours));
        let told = told.into_iter().find(|(_, of)| *of == clock);
        let keys_heard = match (self.dtmf, heard.is_empty()) {
            (Dtmf::Info, _) => KeysHeard::Info,
            (Dtmf::Auto | Dtmf::Inband, true) => KeysHeard::Tones,
            (Dtmf::Auto | Dtmf::Inband, false) => KeysHeard::Events(heard),
        };
        let keys_told = match (self.dtmf, told) {
            (Dtmf::Info, _) => KeysTold::Info,
            (Dtmf::Auto | Dtmf::Inband, None) => KeysTold::Tones,
            (Dtmf::Auto | Dtmf::Inband, Some((event, _))) => KeysTold::Events(event),
        };
        let noise = |of: &Media<'_>| number_in(of, |format| format.is("CN") && format.clock == 8000);
        Some(Voice {
            packet_time: to_phone[0].codec.packet_time(theirs.ptime.unwrap_or(PACKET_TIME)),
            comfort_noise: noise(ours).filter(|_| noise(theirs).is_some()),
            from_phone,
            to_phone,
            keys_heard,
            keys_told,
        })
    }

    /// The names in their order; a single `None` where there are none.
    fn wanted(&self) -> impl Iterator<Item = Option<&str>> {
        let any = self.codecs.is_empty().then_some(None);
        any.into_iter().chain(self.codecs.iter().map(|name| Some(&**name)))
    }

    /// Codecs of ours that go by this name; without one, those that anybody may be offered.
    fn added(self, wanted: Option<&str>) -> impl Iterator<Item = &'static Codec> {
        let all = wanted.map_or(&ADDED[..], |_| &Codec::ALL[..]).iter();
        let named = all.filter(move |codec| wanted.is_none_or(|name| codec.name().eq_ignore_ascii_case(name)));
        named.filter(move |codec| self.library.has(**codec))
    }

    /// The clocks of the telephone events that belong to codecs of these clocks.
    fn event_clocks(self, clocks: &[u32]) -> impl Iterator<Item = u32> {
        EVENT_CLOCKS.into_iter().filter(move |clock| self.dtmf == Dtmf::Auto && clocks.contains(clock))
    }

    fn allows(&self, format: &Format<'_>) -> bool {
        self.codecs.is_empty() || self.codecs.iter().any(|name| format.is(name))
    }

    /// The phone has given this payload type to another codec, which it keeps through the session (RFC 3264 §8.3.2).
    fn means_another(&self, phone: Option<&Media<'_>>, format: &Format<'_>) -> bool {
        let before = phone.and_then(|phone| { phone.payloads() }.find(|it| it.payload_type == format.payload_type));
        before.is_some_and(|before| !is_same(&before, format)) && self.known(format).is_some()
    }

    /// The codec of a format that can be looked into.
    fn known(&self, format: &Format<'_>) -> Option<Codec> {
        self.format(format).map(|format| format.codec)
    }

    fn format(&self, format: &Format<'_>) -> Option<codec::Format> {
        let Format { payload_type, name, clock, channels, parameters } = *format;
        codec::Format::new(payload_type, name, clock, channels, parameters)
            .filter(|format| self.library.has(format.codec))
    }

    /// The first format of a phone's offer that we can do, in our order if we have one.
    fn first<'m>(&self, offer: &Media<'m>) -> Option<(Format<'m>, Codec)> {
        self.wanted().find_map(|wanted| {
            let mut formats = sounds_of(offer).filter(|format| wanted.is_none_or(|name| format.is(name)));
            formats.find_map(|format| Some((format, self.known(&format)?)))
        })
    }
}

/// The clocks of telephone events that are said beside the codecs.
const EVENT_CLOCKS: [u32; 2] = [8000, 48_000];

/// The formats of a description in the making.
struct List {
    formats: Vec<ListedFormat>,
    /// Payload types that mean something.
    taken: Vec<u8>,
}

impl List {
    fn keep(&mut self, payload_type: u8) {
        self.formats.push(ListedFormat::Kept(payload_type));
        self.taken.push(payload_type);
    }

    /// Under `number` where that is free.
    fn add(&mut self, number: Option<u8>, rtpmap: &str, fmtp: &str) {
        let is_free = |number: &u8| !self.taken.contains(number);
        let Some(payload_type) = number.filter(is_free).or_else(|| (96..=127).find(is_free)) else { return };
        let (rtpmap, fmtp) = (rtpmap.to_owned(), fmtp.to_owned());
        self.formats.push(ListedFormat::New(NewFormat { payload_type, rtpmap, fmtp }));
        self.taken.push(payload_type);
    }

    /// Telephone events, under the number that most phones know them by if no other is asked for.
    fn add_events(&mut self, number: Option<u8>, clock: u32) {
        self.add(number.or((clock == 8000).then_some(EVENTS)), &format!("telephone-event/{clock}"), KEYS);
    }

    fn unless_as_said(self, said: &Media<'_>) -> Option<Formats> {
        let as_said = said.payloads().map(|format| ListedFormat::Kept(format.payload_type));
        let is_as_said = as_said.eq(self.formats.iter().cloned());
        (!is_as_said && !self.formats.is_empty()).then_some(Formats { list: self.formats, ptime: None })
    }
}

fn is_speech(media: &Media<'_>) -> bool {
    media.kind == Kind::Audio && media.is_rtp() && !media.is_rejected()
}

fn sounds_of<'m>(media: &Media<'m>) -> impl Iterator<Item = Format<'m>> {
    media.payloads().filter(|format| !format.name.is_empty() && !format.is_companion())
}

fn is_same(one: &Format<'_>, other: &Format<'_>) -> bool {
    one.is(other.name) && (one.clock, one.channels) == (other.clock, other.channels)
}

fn is_in(media: &Media<'_>, format: &Format<'_>) -> bool {
    media.payloads().any(|other| is_same(&other, format))
}

fn number_in(media: &Media<'_>, is_it: impl Fn(&Format<'_>) -> bool) -> Option<u8> {
    { media.payloads() }.find(is_it).map(|format| format.payload_type)
}

/// As a=rtpmap has it.
fn rtpmap(format: &Format<'_>) -> String {
    match format.channels {
        0 | 1 => format!("{}/{}", format.name, format.clock),
        channels => format!("{}/{}/{channels}", format.name, format.clock),
    }
}

#[cfg(test)]
mod tests;
