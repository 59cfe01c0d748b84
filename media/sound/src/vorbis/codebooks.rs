//! The codebooks of a setup header, walked over before the decoder makes them: a few bytes may ask for terabytes of tables.

/// Whether all tables that the header asks for (Vorbis I §3.2.1, §4.2.4) have a size that a real encoder's have.
pub(super) fn are_bounded(setup: &[u8]) -> bool {
    // Behind the type and "vorbis".
    walk(&mut Bits { bytes: setup.get(7..).unwrap_or(&[]), at: 0 }).is_some()
}

/// `None`: cut short, no codebook, or beyond the bounds.
fn walk(bits: &mut Bits<'_>) -> Option<()> {
    let mut room = MOST_VALUES;
    for _ in 0..=bits.take(8)? {
        if bits.take(24)? != SYNC {
            return None;
        }
        let (dimensions, entries) = (bits.take(16)?, bits.take(24)?);
        let values = entries.checked_mul(dimensions).filter(|values| *values > 0)?;
        room = room.checked_sub(values.max(entries))?;
        lengths(bits, entries)?;
        let count = match bits.take(4)? {
            0 => continue,
            1 => root(entries, dimensions),
            2 => values,
            _ => return None,
        };
        bits.take(32)?;
        bits.take(32)?;
        let width = bits.take(4)? + 1;
        bits.take(1)?;
        bits.skip(count * width)?;
    }
    Some(())
}

/// The length of each entry's codeword.
fn lengths(bits: &mut Bits<'_>, entries: u64) -> Option<()> {
    let is_ordered = bits.take(1)? == 1;
    if is_ordered {
        bits.take(5)?;
        let mut done = 0;
        while done < entries {
            let left = entries - done;
            done += bits.take(u64::BITS - left.leading_zeros())?;
        }
        return (done == entries).then_some(());
    }
    let is_sparse = bits.take(1)? == 1;
    for _ in 0..entries {
        if !is_sparse || bits.take(1)? == 1 {
            bits.take(5)?;
        }
    }
    Some(())
}

/// The greatest number whose power of `dimensions` is not above `entries` (Vorbis I §9.2.3); both are at least 1.
fn root(entries: u64, dimensions: u64) -> u64 {
    let fits = |base: u64| base.checked_pow(dimensions as u32).is_some_and(|power| power <= entries);
    let mut base = (entries as f64).powf(1.0 / dimensions as f64) as u64;
    while fits(base + 1) {
        base += 1;
    }
    while base > 1 && !fits(base) {
        base -= 1;
    }
    base
}

/// The least significant bit of a byte comes first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: u64,
}

impl Bits<'_> {
    /// Up to 32 bits.
    fn take(&mut self, count: u32) -> Option<u64> {
        let mut value = 0;
        for bit in 0..count {
            let byte = self.bytes.get((self.at / 8) as usize)?;
            value |= u64::from(byte >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        Some(value)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        self.at = self.at.checked_add(count).filter(|at| *at <= 8 * self.bytes.len() as u64)?;
        Some(())
    }
}

const SYNC: u64 = 0x56_4342;
/// Of all tables together; those of libvorbis stay below a quarter of a million.
const MOST_VALUES: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::root;

    #[test]
    fn a_lookup_has_as_many_values_as_fill_its_entries() {
        for (entries, dimensions, due) in
            [(1025, 10, 2), (1024, 10, 2), (1023, 10, 1), (3126, 5, 5), (3125, 5, 5), (3124, 5, 4), (1, 1, 1)]
        {
            assert_eq!(root(entries, dimensions), due, "{entries} {dimensions}");
        }
        assert_eq!(root(16_777_215, 65_535), 1);
        assert_eq!(root(16_777_215, 1), 16_777_215);
    }
}
