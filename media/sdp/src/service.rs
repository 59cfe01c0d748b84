//! The exchange's own side of a session: answers and offers for legs that it serves itself (echo, prompts, menus).

use crate::rewrite::{CRLF, Net, put};
use crate::{Direction, Format, Formats, Kind, Media, MediaPort, Origin, Sdp, Transport};

/// How a service uses a format that a phone can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage<'u> {
    /// As the phone says it: what comes is sent back, whatever it is.
    AsSaid,
    /// The service hears and makes the sound itself.
    Own {
        /// What it asks of the phone, as a=fmtp has it; empty: nothing.
        fmtp: &'u str,
        /// Milliseconds of sound in a packet that it asks for.
        ptime: u16,
    },
}

/// Which formats a service can use, and how; of telephone events only whether.
pub type Usable<'u> = dyn Fn(&Format<'_>) -> Option<Usage<'u>> + 'u;

/// What a service and a phone agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// Index of the m= line that is served; all others are refused.
    pub stream: usize,
    /// Payload type of the sound.
    pub payload_type: u8,
    /// Its RTP clock, in ticks a second.
    pub clock: u32,
    /// Payload type of telephone-event (RFC 4733) with the same clock.
    pub telephone_event: Option<u8>,
    /// As the service sees it.
    pub direction: Direction,
    /// The phone can do RTP and RTCP on one port.
    pub rtcp_mux: bool,
}

/// No stream of RTP audio in use, or none of its codecs: 488 for an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no audio stream with a codec that the service can use")]
pub struct NoCommonCodec;

/// Picks the first stream that the service can use, and in it the first codec in the phone's order.
pub fn agree(remote: &Sdp<'_>, usable: &Usable<'_>) -> Result<Agreed, NoCommonCodec> {
    agree_with_usage(remote, usable).map(|(agreed, _)| agreed)
}

fn agree_with_usage<'u>(remote: &Sdp<'_>, usable: &Usable<'u>) -> Result<(Agreed, Usage<'u>), NoCommonCodec> {
    { remote.media().iter().enumerate() }
        .find_map(|(stream, media)| agree_on(stream, media, usable))
        .ok_or(NoCommonCodec)
}

fn agree_on<'u>(stream: usize, media: &Media<'_>, usable: &Usable<'u>) -> Option<(Agreed, Usage<'u>)> {
    if media.kind != Kind::Audio || media.is_rejected() || !media.is_rtp() {
        return None;
    }
    let mut sounds = media.payloads().filter(|format| !format.name.is_empty() && !format.is_companion());
    let (format, usage) = sounds.find_map(|format| Some((format, usable(&format)?)))?;
    let is_event = |event: &Format<'_>| event.is_telephone_event() && event.clock == format.clock;
    let events = media.payloads().find(|event| is_event(event) && usable(event).is_some());
    let agreed = Agreed {
        stream,
        payload_type: format.payload_type,
        clock: format.clock,
        telephone_event: events.map(|format| format.payload_type),
        direction: media.direction.reversed(),
        rtcp_mux: media.rtcp_mux,
    };
    Some((agreed, usage))
}

/// Answers an offer with one codec and, where offered, telephone-event; every other stream is refused in its place. `attributes` are
/// those of the stream's [`Transport`].
pub fn answer(
    offer: &Sdp<'_>,
    usable: &Usable<'_>,
    port: MediaPort,
    attributes: &[String],
    origin: Origin,
) -> Result<(Agreed, Vec<u8>), NoCommonCodec> {
    let (agreed, usage) = agree_with_usage(offer, usable)?;
    let mut out = Vec::with_capacity(384);
    // RFC 3264 §6: the answer's t= line equals the offer's.
    write_session(&mut out, port, origin, offer.timing().unwrap_or("0 0"));
    write_ice_lite(&mut out, attributes);
    for (index, media) in offer.media().iter().enumerate() {
        if index == agreed.stream {
            write_stream(&mut out, media, &agreed, usage, port);
            // What both can do is said already.
            let is_said = |attribute: &String| agreed.rtcp_mux && attribute == "rtcp-mux";
            write_attributes(&mut out, attributes.iter().filter(|attribute| !is_said(attribute)));
        } else {
            let format = media.formats.split_ascii_whitespace().next().unwrap_or("0");
            put(&mut out, format_args!("m={} 0 {} {format}", media.kind_text, media.protocol), CRLF);
        }
    }
    Ok((agreed, out))
}

fn write_session(out: &mut Vec<u8>, port: MediaPort, origin: Origin, timing: &str) {
    put(out, format_args!("v=0"), CRLF);
    origin.write(out, CRLF);
    put(out, format_args!("s=-"), CRLF);
    put(out, format_args!("c=IN {}", Net(port.address)), CRLF);
    put(out, format_args!("t={timing}"), CRLF);
}

fn write_stream(out: &mut Vec<u8>, media: &Media<'_>, agreed: &Agreed, usage: Usage<'_>, port: MediaPort) {
    match agreed.telephone_event {
        Some(event) => {
            put(out, format_args!("m=audio {} {} {} {event}", port.rtp, media.protocol, agreed.payload_type), CRLF);
        }
        None => put(out, format_args!("m=audio {} {} {}", port.rtp, media.protocol, agreed.payload_type), CRLF),
    }
    for format in [Some(agreed.payload_type), agreed.telephone_event].into_iter().flatten() {
        let Some(format) = media.payload(format) else { continue };
        let (payload_type, name, clock) = (format.payload_type, format.name, format.clock);
        if format.channels > 1 {
            put(out, format_args!("a=rtpmap:{payload_type} {name}/{clock}/{}", format.channels), CRLF);
        } else if !name.is_empty() {
            put(out, format_args!("a=rtpmap:{payload_type} {name}/{clock}"), CRLF);
        }
        if format.is_telephone_event() {
            put(out, format_args!("a=fmtp:{payload_type} 0-15"), CRLF);
            continue;
        }
        let parameters = match usage {
            Usage::AsSaid => format.parameters,
            Usage::Own { fmtp, .. } => Some(fmtp),
        };
        if let Some(parameters) = parameters.filter(|parameters| !parameters.is_empty()) {
            put(out, format_args!("a=fmtp:{payload_type} {parameters}"), CRLF);
        }
    }
    if let Usage::Own { ptime, .. } = usage {
        put(out, format_args!("a=ptime:{ptime}"), CRLF);
    }
    put(out, format_args!("a={}", agreed.direction.as_str()), CRLF);
    if agreed.rtcp_mux {
        put(out, format_args!("a=rtcp-mux"), CRLF);
    } else if port.rtp.checked_add(1) != Some(port.rtcp) {
        put(out, format_args!("a=rtcp:{}", port.rtcp), CRLF);
    }
}

/// A session-level attribute (RFC 8839 §5.3).
fn write_ice_lite(out: &mut Vec<u8>, attributes: &[String]) {
    if attributes.iter().any(|attribute| attribute.starts_with("ice-ufrag:")) {
        put(out, format_args!("a=ice-lite"), CRLF);
    }
}

fn write_attributes<'a>(out: &mut Vec<u8>, attributes: impl IntoIterator<Item = &'a String>) {
    for attribute in attributes {
        put(out, format_args!("a={attribute}"), CRLF);
    }
}

/// What a service offers a phone that called without an offer, or that it calls itself.
pub fn offer(port: MediaPort, transport: &Transport, formats: &Formats, origin: Origin) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    write_session(&mut out, port, origin, "0 0");
    write_ice_lite(&mut out, &transport.attributes);
    put(&mut out, format_args!("m=audio {} {} {}", port.rtp, transport.protocol, formats.listed()), CRLF);
    formats.write(CRLF, &mut out);
    put(&mut out, format_args!("a=sendrecv"), CRLF);
    if port.rtp.checked_add(1) != Some(port.rtcp) {
        put(&mut out, format_args!("a=rtcp:{}", port.rtcp), CRLF);
    }
    write_attributes(&mut out, &transport.attributes);
    out
}

#[cfg(test)]
mod tests;
