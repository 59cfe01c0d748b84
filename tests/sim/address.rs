//! Who has which address.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where phones send to: all proxies together.
pub const PUBLIC: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)), 5060);

/// The host of every Contact.
pub const CLUSTER: &str = "tandem.test";

/// The cluster-side face of a proxy.
pub fn inside(proxy: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, proxy as u8 + 1], 5080))
}

/// SIP of a media node's first shard.
pub fn node(node: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 1, node as u8 + 1], 5090))
}

/// Whether this is the cluster's side of a member.
pub fn is_inside(address: SocketAddr) -> bool {
    matches!(address.ip(), IpAddr::V4(ip) if ip.octets()[0] == 10)
}

/// A phone as it sees itself.
pub fn private(phone: usize) -> SocketAddr {
    SocketAddr::from(([192, 168, 1, phone as u8 + 1], 5060))
}

/// A phone as its NAT shows it; `rebinds` counts the ports that it has had.
pub fn external(phone: usize, rebinds: u16) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, phone as u8 + 1], 40_000 + rebinds))
}

/// An address as a trace shows it.
pub fn name(address: SocketAddr) -> String {
    let IpAddr::V4(ip) = address.ip() else { return address.to_string() };
    match ip.octets() {
        [203, 0, 113, _] => "public".to_owned(),
        [10, 0, 0, n] => format!("proxy{n}"),
        [10, 0, 1, n] => format!("media{n}.{}", address.port() - 5090),
        [198, 51, 100, n] | [192, 168, 1, n] => format!("phone{n}:{}", address.port()),
        _ => address.to_string(),
    }
}
