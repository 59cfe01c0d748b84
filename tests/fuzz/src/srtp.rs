use srtp::{Inbound, MasterKey, OVERHEAD, Outbound, Refused, Suite};

type Protect = fn(&mut Outbound, &mut [u8], usize) -> Result<usize, srtp::Unprotectable>;
type Open = fn(&mut Inbound, &mut [u8]) -> Result<usize, Refused>;

/// What a stranger sends is never opened and left as it is; what the other side sends comes back as it was, once, and
/// not with a byte changed or left out.
pub fn srtp(data: &[u8]) {
    for suite in Suite::ALL {
        let key = MasterKey::from_random(suite, [0x5a; MasterKey::LONGEST]);
        both_ways(&key, data, Outbound::protect_rtp, Inbound::open_rtp);
        both_ways(&key, data, Outbound::protect_rtcp, Inbound::open_rtcp);
    }
}

fn both_ways(key: &MasterKey, data: &[u8], protect: Protect, open: Open) {
    let (mut outbound, mut inbound) = (Outbound::new(key), Inbound::new(key));
    is_refused(&mut inbound, data, open);
    let mut packet = [data, &[0; OVERHEAD]].concat();
    let Ok(length) = protect(&mut outbound, &mut packet, data.len()) else {
        assert_eq!(&packet[..data.len()], data);
        return;
    };
    assert!(length > data.len() && length <= packet.len());
    packet.truncate(length);
    let at = data.iter().fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte))) % length;
    let mut broken = packet.clone();
    broken[at] ^= data[0] | 1;
    is_refused(&mut inbound, &broken, open);
    is_refused(&mut inbound, &packet[..at], open);
    let protected = packet.clone();
    assert_eq!(open(&mut inbound, &mut packet), Ok(data.len()));
    assert_eq!(&packet[..data.len()], data);
    is_refused(&mut inbound, &protected, open);
}

fn is_refused(inbound: &mut Inbound, packet: &[u8], open: Open) {
    let before = format!("{inbound:?}");
    let mut bytes = packet.to_vec();
    assert!(open(inbound, &mut bytes).is_err());
    assert_eq!((&bytes[..], format!("{inbound:?}")), (packet, before));
}
