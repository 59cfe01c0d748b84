//! Address ranges: which region or site a caller's address belongs to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses, such as `10.1.0.0/16` or `2001:db8::/32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Why a text is no [`Network`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not `ADDRESS/BITS`.
    #[error("is no network")]
    Syntax,
    /// The address has bits set behind the prefix; holds the network that was probably meant.
    #[error("has bits set behind its prefix; {0} is meant")]
    HostBits(Network),
}

impl Network {
    /// Whether `address` lies in it; an IPv4 address mapped into IPv6 counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => masked_v4(other, self.bits) == own,
            (IpAddr::V6(own), IpAddr::V6(other)) => masked_v6(other, self.bits) == own,
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

fn masked_v4(address: Ipv4Addr, bits: u8) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
    Ipv4Addr::from(u32::from(address) & mask)
}

fn masked_v6(address: Ipv6Addr, bits: u8) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
    Ipv6Addr::from(u128::from(address) & mask)
}

impl FromStr for Network {
    type Err = NetworkError;

    /// `ADDRESS/BITS`, or an address alone, which is a network of one.
    fn from_str(text: &str) -> Result<Network, NetworkError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Syntax)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|&bits| bits <= most).ok_or(NetworkError::Syntax)?,
            None => most,
        };
        let network = match address {
            IpAddr::V4(v4) => IpAddr::V4(masked_v4(v4, bits)),
            IpAddr::V6(v6) => IpAddr::V6(masked_v6(v6, bits)),
        };
        let network = Network { address: network, bits };
        if network.address == address { Ok(network) } else { Err(NetworkError::HostBits(network)) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// Networks with what they belong to; the longest prefix that holds an address wins.
#[derive(Debug, Clone, Default)]
pub struct Networks(Vec<(Network, usize)>);

impl Networks {
    /// `owners` in order, each with its networks; of equal networks the first owner's counts.
    pub fn new<'a>(owners: impl Iterator<Item = &'a [Network]>) -> Networks {
        let mut all: Vec<(Network, usize)> = owners
            .enumerate()
            .flat_map(|(owner, networks)| networks.iter().map(move |network| (*network, owner)))
            .collect();
        all.sort_by_key(|(network, owner)| (std::cmp::Reverse(network.bits), *owner));
        Networks(all)
    }

    /// The owner of `address`, as its position among the owners.
    pub fn owner(&self, address: IpAddr) -> Option<usize> {
        self.0.iter().find(|(network, _)| network.contains(address)).map(|(_, owner)| *owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn longest_prefix_wins() {
        let owners = [
            vec![network("0.0.0.0/0")],
            vec![network("10.0.0.0/8"), network("2001:db8::/32")],
            vec![network("10.1.0.0/16")],
        ];
        let networks = Networks::new(owners.iter().map(Vec::as_slice));
        let owner = |text: &str| networks.owner(text.parse().unwrap());
        assert_eq!(owner("10.1.2.3"), Some(2));
        assert_eq!(owner("10.2.2.3"), Some(1));
        assert_eq!(owner("192.0.2.1"), Some(0));
        assert_eq!(owner("::ffff:10.1.2.3"), Some(2));
        assert_eq!(owner("2001:db8::7"), Some(1));
        assert_eq!(owner("2001:db9::7"), None);
    }

    #[test]
    fn text_forms() {
        assert_eq!(network("10.0.0.1").to_string(), "10.0.0.1/32");
        assert_eq!(network("::/0").to_string(), "::/0");
        assert_eq!("10.1.2.3/16".parse::<Network>(), Err(NetworkError::HostBits(network("10.1.0.0/16"))));
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "ten"] {
            assert_eq!(bad.parse::<Network>(), Err(NetworkError::Syntax), "{bad}");
        }
    }
}
