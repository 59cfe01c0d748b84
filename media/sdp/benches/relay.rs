//! What a description costs that is read and told to the other side.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use divan::Bencher;
use sdp::{MediaPort, Origin, Sdp, rewrite};

const PHONE: &[u8] = include_bytes!("../../../tests/vectors/sdp/phone-offer.sdp");
const BROWSER: &[u8] = include_bytes!("../../../tests/vectors/sdp/browser-offer.sdp");

fn main() {
    divan::main();
}

#[divan::bench(args = ["phone", "browser"])]
fn parse(bencher: Bencher<'_, '_>, sender: &str) {
    let text = text(sender);
    bencher.bench(|| Sdp::parse(black_box(text)));
}

#[divan::bench(args = ["phone", "browser"])]
fn parse_and_rewrite(bencher: Bencher<'_, '_>, sender: &str) {
    let text = text(sender);
    let address = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
    let ports = [MediaPort { address, rtp: 20_000, rtcp: 20_001 }; 4];
    let origin = Origin { session_id: 1, version: 1, address };
    bencher.bench(|| Sdp::parse(black_box(text)).map(|sdp| rewrite(&sdp, &ports, &[], &[], origin)));
}

fn text(sender: &str) -> &'static [u8] {
    match sender {
        "phone" => PHONE,
        _ => BROWSER,
    }
}
