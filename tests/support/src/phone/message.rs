//! Reading messages with rsip.

use rsip::prelude::HasHeaders;
use rsip::{Header, SipMessage};
use std::net::IpAddr;

/// The status of a response, 0 for a request.
pub fn status_of(message: &SipMessage) -> u16 {
    match message {
        SipMessage::Response(response) => response.status_code().code(),
        SipMessage::Request(_) => 0,
    }
}

/// The value of the first header of this name.
pub fn first(message: &SipMessage, name: &str) -> Option<String> {
    all(message, name).into_iter().next()
}

/// The values of all headers of this name.
pub fn all(message: &SipMessage, name: &str) -> Vec<String> {
    let of = |header: &Header| {
        let line = header.to_string();
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    };
    message.headers().iter().filter_map(of).collect()
}

/// The URI of a name-addr.
pub fn inside_brackets(value: &str) -> &str {
    value.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(value, |(uri, _)| uri)
}

/// An offer or answer of one audio stream.
pub fn description(address: IpAddr) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
    )
}
