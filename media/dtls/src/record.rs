//! Where records end.

/// The records of a datagram, as they stand in it (RFC 6347 §4.1, RFC 9147 §4); what is none at its end is left out.
pub fn records(mut datagram: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (record, rest) = datagram.split_at_checked(length(datagram)?)?;
        datagram = rest;
        Some(record)
    })
}

/// Protected by DTLS 1.3, so that its header is the short one.
pub fn is_unified(record: &[u8]) -> bool {
    matches!(record.first(), Some(0b0010_0000..=0b0011_1111))
}

/// Bytes of the first record with its header.
fn length(datagram: &[u8]) -> Option<usize> {
    const CONNECTION_ID: u8 = 0b0001_0000;
    const LONG_SEQUENCE: u8 = 0b0000_1000;
    const HAS_LENGTH: u8 = 0b0000_0100;
    const PLAIN_HEADER: usize = 13;
    let after = |at: usize| {
        let bytes = datagram.get(at - 2..at)?.try_into().ok()?;
        Some(at + usize::from(u16::from_be_bytes(bytes)))
    };
    match *datagram.first()? {
        // We give no connection ids, so nobody may use one. Without a length a record takes the rest.
        flags @ 0b0010_0000..=0b0011_1111 if flags & (CONNECTION_ID | HAS_LENGTH) == HAS_LENGTH => {
            after(if flags & LONG_SEQUENCE == 0 { 4 } else { 5 })
        }
        0b0010_0000..=0b0011_1111 => Some(datagram.len()),
        _ => after(PLAIN_HEADER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_end_where_their_headers_say() {
        let plain: &[u8] = &[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 7, 7];
        let short: &[u8] = &[0b0010_0100, 9, 0, 1, 7];
        let long: &[u8] = &[0b0010_1110, 9, 9, 0, 3, 7, 7, 7];
        let rest: &[u8] = &[0b0010_1010, 9, 9, 7, 7, 7, 7];
        let datagram = [plain, short, long, plain, rest].concat();
        assert_eq!(records(&datagram).collect::<Vec<_>>(), [plain, short, long, plain, rest]);
        for cut in 1..plain.len() {
            let datagram = [long, &plain[..cut]].concat();
            assert_eq!(records(&datagram).collect::<Vec<_>>(), [long], "{cut}");
        }
        assert_eq!(records(&[]).count(), 0);
    }
}
