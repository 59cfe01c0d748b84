//! Two phones without a common codec: what each is told, and which way media and keys then take.

use crate::phone::Sdp;
use crate::world::{World, s};
use sip::message::Method;

/// Audio in one codec, video and text.
const ALICE: &str = "v=0\r\no=- 5 2 IN IP4 10.1.0.1\r\ns=-\r\nc=IN IP4 10.1.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n\
    a=rtpmap:101 telephone-event/8000\r\nm=video 4002 RTP/AVPF 96\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\n\
    m=text 4004 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n";
/// The answer of a phone that speaks G.722 alone, and takes the rest as it is.
const BOB: &str = "v=0\r\no=- 6 2 IN IP4 10.1.0.2\r\ns=-\r\nc=IN IP4 10.1.0.2\r\nt=0 0\r\nm=audio 5000 RTP/AVP 9 101\r\n\
    a=rtpmap:101 telephone-event/8000\r\nm=video 5002 RTP/AVPF 96\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\n\
    m=text 5004 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n";

fn answer_of(world: &World, phone: usize) -> String {
    let phone = &world.phones[phone];
    let ok = phone.heard.iter().map(|heard| heard.message()).find(|message| message.status() == Some(200));
    String::from_utf8_lossy(ok.expect("the call is answered").body()).into_owned()
}

#[test]
fn sound_is_made_anew_and_video_and_text_pass() {
    let mut world = World::new(11);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    (world.phones[alice].whole_sdp, world.phones[bob].whole_sdp) = (Some(ALICE), Some(BOB));
    world.call(alice, "bob");
    world.run_for(s(3));
    let offered = world.phones[bob].requests(Method::Invite).last().map(|invite| invite.body().to_vec());
    let offered = String::from_utf8(offered.expect("Bob is called")).expect("text");
    assert!(offered.contains("RTP/AVP 0 97 9 8 ") || offered.contains("RTP/AVP 0 96 9 8 "), "{offered}");
    let told = answer_of(&world, alice);
    for line in [" RTP/AVP 0 101\r\n", " RTP/AVPF 96\r\n", "a=rtcp-fb:96 nack pli\r\n", "a=rtpmap:98 t140/1000\r\n"] {
        assert!(told.contains(line), "{line:?} is missing: {told}");
    }
    assert!(!told.contains(" RTP/AVP 9 "), "Alice has no G.722: {told}");
    world.hang_up(alice);
    world.run_for(s(40));
    world.finish();
}

#[test]
fn a_late_offer_is_answered_in_the_offerers_codecs() {
    let mut world = World::new(12);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    (world.phones[alice].codecs, world.phones[bob].codecs) = ("0", "9");
    world.call_target(alice, "user:bob@tandem.local", Sdp::Late);
    world.run_for(s(3));
    let acks = world.phones[bob].requests(Method::Ack);
    let answer = String::from_utf8_lossy(acks.last().expect("Bob's offer is answered").body()).into_owned();
    assert!(answer.contains(" RTP/AVP 9 101\r\n") || answer.contains(" RTP/AVP 9\r\n"), "{answer}");
    world.hang_up(alice);
    world.run_for(s(40));
    world.finish();
}
