use sip::framing::{Frame, FrameError, Framer};

pub const SEEDS: &[&str] = &[
    "\r\n\r\nOPTIONS sip:a SIP/2.0\r\nl : 2\r\n\r\nhi\r\nBYE sip:a SIP/2.0\r\nContent-Length:0\r\n\r\n\r\n\r\n\r\nX",
    "A\r\nl: 70000\r\n\r\nB\r\nContent-Length:\r\n 3\r\n\r\n123C\r\nl: 1\r\nl: 2\r\n\r\n",
];

#[derive(Debug, PartialEq)]
enum Seen {
    Message(Vec<u8>),
    Ping,
    Pong,
    End(FrameError),
}

/// Whatever the split, the frames of a stream are the frames of the whole.
pub fn framing(data: &[u8]) {
    let whole = frames([data].into_iter());
    for size in [1, 2, 3, 7, data.len() / 2 + 1] {
        assert_eq!(frames(data.chunks(size)), whole, "in pieces of {size}");
    }
    let bytes: usize = whole
        .iter()
        .map(|seen| match seen {
            Seen::Message(bytes) => bytes.len(),
            Seen::Ping => 4,
            Seen::Pong => 2,
            Seen::End(_) => 0,
        })
        .sum();
    assert!(bytes <= data.len());
}

fn frames<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Seen> {
    let (mut framer, mut seen) = (Framer::new(), Vec::new());
    for piece in pieces {
        framer.push(piece);
        loop {
            match framer.next() {
                Ok(Some(Frame::Message(bytes))) => seen.push(Seen::Message(bytes.to_vec())),
                Ok(Some(Frame::Ping)) => seen.push(Seen::Ping),
                Ok(Some(Frame::Pong)) => seen.push(Seen::Pong),
                Ok(None) => break,
                Err(error) => {
                    seen.push(Seen::End(error));
                    return seen;
                }
            }
        }
    }
    seen
}
