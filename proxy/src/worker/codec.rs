//! What a connection's bytes mean: SIP on a stream, or WebSocket frames that carry it (RFC 7118).

use sip::framing::{Frame, Framer};
use sip::message::MAX_MESSAGE;
use std::io::{self, Read, Write};
use tungstenite::handshake::machine::TryParse;
use tungstenite::handshake::server::{Request, create_response, write_response};
use tungstenite::http::HeaderValue;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

/// Turns bytes into messages and messages into bytes, however the bytes are split.
pub(super) enum Codec {
    /// SIP framed by Content-Length.
    Sip(Framer),
    /// The HTTP request that asks for a WebSocket, as far as it has come.
    Upgrade(Vec<u8>),
    /// One SIP message in each WebSocket message.
    WebSocket(Box<WebSocketContext>),
}

/// Why a connection cannot go on; what was put into the reply may still be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The peer said goodbye.
    Closed,
    /// It does not speak the protocol.
    Garbled,
}

/// The longest HTTP request.
const MAX_REQUEST: usize = 8 * 1024;

/// The keep-alive and its answer (RFC 5626 §4.4.1).
const PING: &[u8] = b"\r\n\r\n";
const PONG: &[u8] = b"\r\n";

impl Codec {
    /// SIP directly on the stream.
    pub fn sip() -> Codec {
        Codec::Sip(Framer::new())
    }

    /// SIP over WebSocket, which the client has yet to ask for.
    pub fn web_socket() -> Codec {
        Codec::Upgrade(Vec::new())
    }

    /// Whether a handshake or a message has begun and is not complete, which must not last for ever.
    pub fn is_amid(&self) -> bool {
        match self {
            Codec::Sip(framer) => !framer.rest().is_empty(),
            Codec::Upgrade(_) => true,
            // A frame that never ends is left to the idle time.
            Codec::WebSocket(_) => false,
        }
    }

    /// Takes bytes off the stream; whole messages go to `heard`, what must be said at once to `reply`.
    pub fn feed(&mut self, bytes: &[u8], reply: &mut Vec<u8>, heard: &mut dyn FnMut(&[u8])) -> Result<(), End> {
        match self {
            Codec::Sip(framer) => {
                framer.push(bytes);
                feed_framer(framer, reply, heard)
            }
            Codec::Upgrade(request) => {
                request.extend_from_slice(bytes);
                let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4) else {
                    return if request.len() > MAX_REQUEST { Err(End::Garbled) } else { Ok(()) };
                };
                let request = std::mem::take(request);
                upgrade(&request[..end], reply)?;
                let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
                let config = config.max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
                *self = Codec::WebSocket(Box::new(WebSocketContext::new(Role::Server, Some(config))));
                self.feed(&request[end..], reply, heard)
            }
            Codec::WebSocket(context) => feed_web_socket(context, bytes, reply, heard),
        }
    }

    /// Appends a message as it goes over the wire.
    pub fn encode(&self, message: &[u8], out: &mut Vec<u8>) {
        match self {
            Codec::Sip(_) => out.extend_from_slice(message),
            // Nothing is sent to a phone before it has sent something, and that is after the upgrade.
            Codec::Upgrade(_) => {}
            Codec::WebSocket(_) => {
                let kind = if str::from_utf8(message).is_ok() { Data::Text } else { Data::Binary };
                let header = FrameHeader { opcode: OpCode::Data(kind), ..FrameHeader::default() };
                header.format(message.len() as u64, out).expect("writing to memory does not fail");
                out.extend_from_slice(message);
            }
        }
    }
}

fn feed_framer(framer: &mut Framer, reply: &mut Vec<u8>, heard: &mut dyn FnMut(&[u8])) -> Result<(), End> {
    loop {
        match framer.next() {
            Ok(Some(Frame::Message(message))) => heard(message),
            Ok(Some(Frame::Ping)) => reply.extend_from_slice(PONG),
            Ok(Some(Frame::Pong)) => {}
            Ok(None) => return Ok(()),
            Err(_) => {
                // What there is of it may suffice for an answer that says what is wrong.
                heard(framer.rest());
                return Err(End::Garbled);
            }
        }
    }
}

fn feed_web_socket(
    context: &mut WebSocketContext,
    bytes: &[u8],
    reply: &mut Vec<u8>,
    heard: &mut dyn FnMut(&[u8]),
) -> Result<(), End> {
    let mut pipe = Pipe { input: bytes, output: reply };
    loop {
        let message = match context.read(&mut pipe) {
            Ok(Message::Text(text)) => text.into(),
            Ok(Message::Binary(bytes)) => bytes,
            // Pings are answered by the context itself when it reads on.
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => continue,
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => return Err(End::Closed),
            Err(_) => return Err(End::Garbled),
        };
        match &message[..] {
            PING => {
                let mut pong = Vec::new();
                let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
                header.format(PONG.len() as u64, &mut pong).expect("writing to memory does not fail");
                pong.extend_from_slice(PONG);
                pipe.output.extend_from_slice(&pong);
            }
            PONG | b"" => {}
            message => heard(message),
        }
    }
}

/// Answers the HTTP request: 101 if it asks for the subprotocol "sip" (RFC 7118 §4.1), else 400.
fn upgrade(request: &[u8], reply: &mut Vec<u8>) -> Result<(), End> {
    const SUBPROTOCOL: &str = "Sec-WebSocket-Protocol";
    let accepted = Request::try_parse(request).ok().flatten().and_then(|(_, request)| {
        let offered = request.headers().get_all(SUBPROTOCOL).into_iter().filter_map(|value| value.to_str().ok());
        let has_sip = { offered }.any(|list| list.split(',').any(|one| one.trim().eq_ignore_ascii_case("sip")));
        create_response(&request).ok().filter(|_| has_sip)
    });
    match accepted {
        Some(mut response) => {
            response.headers_mut().insert(SUBPROTOCOL, HeaderValue::from_static("sip"));
            write_response(&mut *reply, &response).map_err(|_| End::Garbled)
        }
        None => {
            reply.extend_from_slice(
                b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 43\r\n\r\n\
                  This is SIP over WebSocket, see RFC 7118.\r\n",
            );
            Err(End::Garbled)
        }
    }
}

/// Bytes that have come and bytes that are to go, as a stream.
struct Pipe<'p> {
    input: &'p [u8],
    output: &'p mut Vec<u8>,
}

impl Read for Pipe<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { self.input.read(room) }
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[u8] = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 2\r\n\r\nhi";
    const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: xmpp, sip\r\n\r\n";

    fn client_frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let mut frame = vec![0x80 | opcode, 0x80 | payload.len() as u8];
        frame.extend_from_slice(&mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    /// Feeds `bytes` in pieces of `size`; what was heard, what was replied, and how it ended.
    fn fed(mut codec: Codec, bytes: &[u8], size: usize) -> (Vec<Vec<u8>>, Vec<u8>, Result<(), End>) {
        let (mut heard, mut reply) = (Vec::new(), Vec::new());
        for piece in bytes.chunks(size) {
            let result = codec.feed(piece, &mut reply, &mut |message| heard.push(message.to_vec()));
            if result.is_err() {
                return (heard, reply, result);
            }
        }
        (heard, reply, Ok(()))
    }

    #[test]
    fn messages_and_pings_survive_any_split_of_a_stream() {
        let bytes = [PING, OPTIONS, OPTIONS, PING, OPTIONS].concat();
        for size in 1..=bytes.len() {
            let (heard, reply, result) = fed(Codec::sip(), &bytes, size);
            assert_eq!((heard.len(), &reply[..], result), (3, &b"\r\n\r\n"[..], Ok(())), "{size}");
            assert!(heard.iter().all(|message| message == OPTIONS));
        }
    }

    #[test]
    fn messages_and_pings_survive_any_split_of_a_web_socket() {
        let frames = [client_frame(1, OPTIONS), client_frame(9, b"x"), client_frame(1, PING), client_frame(2, OPTIONS)];
        let bytes = [UPGRADE.as_bytes(), &frames.concat()].concat();
        for size in 1..=bytes.len() {
            let (heard, reply, result) = fed(Codec::web_socket(), &bytes, size);
            let (head, rest) = reply.split_at(reply.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4);
            let head = String::from_utf8(head.to_vec()).unwrap().to_ascii_lowercase();
            assert!(head.starts_with("http/1.1 101 ") && head.contains("sec-websocket-protocol: sip\r\n"), "{head}");
            // RFC 6455 §1.3.
            assert!(head.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
            assert_eq!((&heard[..], result), (&[OPTIONS.to_vec(), OPTIONS.to_vec()][..], Ok(())), "{size}");
            assert_eq!(rest, [&[0x8a, 1, b'x'][..], &[0x81, 2], PONG].concat());
        }
    }

    #[test]
    fn without_the_subprotocol_there_is_no_web_socket() {
        let bytes = UPGRADE.replace("xmpp, sip", "xmpp");
        let (heard, reply, result) = fed(Codec::web_socket(), bytes.as_bytes(), 7);
        assert!(heard.is_empty() && reply.starts_with(b"HTTP/1.1 400 ") && result == Err(End::Garbled));
        let endless = vec![b'x'; 2 * MAX_REQUEST];
        assert_eq!(fed(Codec::web_socket(), &endless, 1000).2, Err(End::Garbled));
    }

    #[test]
    fn a_close_is_answered_and_ends_the_connection() {
        let bytes = [UPGRADE.as_bytes(), &client_frame(8, &[3, 232])].concat();
        let (_, reply, result) = fed(Codec::web_socket(), &bytes, 64);
        assert!(reply.ends_with(&[0x88, 2, 3, 232]) && result == Err(End::Closed));
    }

    #[test]
    fn a_garbled_stream_ends_after_what_there_was_of_it() {
        let (heard, _, result) = fed(Codec::sip(), b"OPTIONS sip:a SIP/2.0\r\nl: x\r\n\r\n", 5);
        assert_eq!((heard.len(), result), (1, Err(End::Garbled)));
    }

    #[test]
    fn text_goes_out_as_text_and_the_rest_as_binary() {
        let mut codec = Codec::web_socket();
        codec.feed(UPGRADE.as_bytes(), &mut Vec::new(), &mut |_| {}).unwrap();
        let mut out = Vec::new();
        codec.encode(&[b'a'; 300], &mut out);
        assert_eq!(out[..4], [0x81, 126, 1, 44]);
        out.clear();
        codec.encode(&[0xff; 3], &mut out);
        assert_eq!(out, [0x82, 3, 0xff, 0xff, 0xff]);
    }
}
