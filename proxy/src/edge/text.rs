//! Numbers and addresses as text. Every answer holds some, and the general machinery of `fmt` costs ten times as much.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Deref;

/// A short text that needs no memory of its own.
pub(super) struct Text {
    bytes: [u8; Text::ROOM],
    length: usize,
}

impl Text {
    /// Enough for every address.
    const ROOM: usize = 48;

    /// An address, IPv6 without brackets.
    pub fn of_ip(ip: IpAddr) -> Text {
        let mut text = Text { bytes: [0; Text::ROOM], length: 0 };
        match ip {
            IpAddr::V4(ip) => text.push_v4(ip),
            IpAddr::V6(ip) => write!(text, "{ip}").expect("there is room for every address"),
        }
        text
    }

    /// A port.
    pub fn of_port(port: u16) -> Text {
        let mut text = Text { bytes: [0; Text::ROOM], length: 0 };
        text.push_decimal(port);
        text
    }

    fn push_v4(&mut self, ip: Ipv4Addr) {
        for (index, octet) in ip.octets().into_iter().enumerate() {
            if index > 0 {
                self.push(b'.');
            }
            self.push_decimal(octet.into());
        }
    }

    fn push_decimal(&mut self, number: u16) {
        let mut power = 10_000;
        while power > 1 && number < power {
            power /= 10;
        }
        while power > 0 {
            self.push(b'0' + (number / power % 10) as u8);
            power /= 10;
        }
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
        for port in (0..=u16::MAX).step_by(7).chain([9, 10, 99, 100, 999, 1000, 9999, 10_000, u16::MAX]) {
            assert_eq!(*Text::of_port(port), port.to_string());
        }
    }
}
