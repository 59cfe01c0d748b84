//! Numbers and addresses as text. Every answer holds some, and the general machinery of `fmt` costs ten times as much.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Deref;

/// Appends texts.
pub(super) fn put(out: &mut Vec<u8>, texts: &[&str]) {
    for text in texts {
        out.extend_from_slice(text.as_bytes());
    }
}

/// A short text that needs no memory of its own.
pub(super) struct Text {
    bytes: [u8; Text::ROOM],
    length: usize,
}

impl Text {
    /// Enough for every address with scope and port.
    const ROOM: usize = 64;
    const ROOMY: &str = "there is room for every address";

    /// An address, IPv6 without brackets.
    pub fn of_ip(ip: IpAddr) -> Text {
        let mut text = Text::empty();
        match ip {
            IpAddr::V4(ip) => text.push_v4(ip),
            IpAddr::V6(ip) => write!(text, "{ip}").expect(Text::ROOMY),
        }
        text
    }

    /// An address with its port, IPv6 in brackets.
    pub fn of_address(address: SocketAddr) -> Text {
        let mut text = Text::empty();
        match address {
            SocketAddr::V4(address) => {
                text.push_v4(*address.ip());
                text.push(b':');
                text.push_decimal(address.port().into());
            }
            SocketAddr::V6(address) => write!(text, "{address}").expect(Text::ROOMY),
        }
        text
    }

    /// A number.
    pub fn of(number: u32) -> Text {
        let mut text = Text::empty();
        text.push_decimal(number);
        text
    }

    fn empty() -> Text {
        Text { bytes: [0; Text::ROOM], length: 0 }
    }

    fn push_v4(&mut self, ip: Ipv4Addr) {
        for (index, octet) in ip.octets().into_iter().enumerate() {
            if index > 0 {
                self.push(b'.');
            }
            self.push_decimal(octet.into());
        }
    }

    fn push_decimal(&mut self, mut number: u32) {
        let mut digits = [0; 10];
        let mut first = digits.len();
        loop {
            first -= 1;
            digits[first] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        let digits = &digits[first..];
        self.bytes[self.length..self.length + digits.len()].copy_from_slice(digits);
        self.length += digits.len();
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }
}

impl Write for Text {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.length..self.length + piece.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(piece.as_bytes());
        self.length += piece.len();
        Ok(())
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        str::from_utf8(&self.bytes[..self.length]).expect("only whole texts were written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_display_has_it() {
        for ip in ["0.0.0.0", "10.200.3.40", "255.255.255.255", "::1", "2001:db8:1234:5678:9abc:def0:1234:5678"] {
            assert_eq!(&*Text::of_ip(ip.parse().unwrap()), ip);
        }
        for address in ["0.0.0.0:0", "10.200.3.40:65535", "[2001:db8:1234:5678:9abc:def0:1234:5678%4294967295]:65535"] {
            assert_eq!(&*Text::of_address(address.parse().unwrap()), address);
        }
        for number in (0..100_000).step_by(7).chain([9, 10, 99, 100, 999, 1000, 9999, 10_000, u32::MAX]) {
            assert_eq!(*Text::of(number), number.to_string());
        }
    }
}
