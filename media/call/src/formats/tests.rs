use super::*;
use sdp::{MediaPort, Origin, Sdp};
use std::net::{IpAddr, Ipv4Addr};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A description of one stream: payload types, and further lines.
fn description(formats: &str, lines: &[&str]) -> Vec<u8> {
    let session = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";
    let lines: String = lines.iter().map(|line| format!("a={line}\r\n")).collect();
    format!("{session}m=audio 4000 RTP/AVP {formats}\r\n{lines}").into_bytes()
}

fn pcmu_phone() -> Vec<u8> {
    description("0 101", &["rtpmap:101 telephone-event/8000", "fmtp:101 0-15", "ptime:30"])
}

fn told(said: &[u8], formats: Option<Formats>) -> Vec<u8> {
    let port = MediaPort { address: HERE, rtp: 20_000, rtcp: 20_001 };
    let origin = Origin { session_id: 1, version: 1, address: HERE };
    sdp::rewrite(&Sdp::parse(said).unwrap(), &[port], &[], &[formats], origin)
}

/// Payload types, names and parameters of a description's stream.
fn listed(description: &[u8]) -> Vec<String> {
    let sdp = Sdp::parse(description).unwrap();
    let show = |format: Format<'_>| format!("{} {}", format.payload_type, rtpmap(&format));
    sdp.media()[0].payloads().map(show).collect()
}

struct Wishes {
    codecs: Vec<Box<str>>,
    dtmf: Dtmf,
    library: Library,
}

fn any() -> Wishes {
    Wishes { codecs: Vec::new(), dtmf: Dtmf::Auto, library: Library::default() }
}

fn only(codecs: &[&str]) -> Wishes {
    Wishes { codecs: codecs.iter().map(|name| (*name).into()).collect(), ..any() }
}

impl Wishes {
    fn policy(&self) -> Policy<'_> {
        Policy { codecs: &self.codecs, dtmf: self.dtmf, library: &self.library }
    }

    fn offer(&self, said: &[u8]) -> Vec<u8> {
        let formats = self.policy().offer(&Sdp::parse(said).unwrap().media()[0], None);
        told(said, formats)
    }

    fn answer(&self, offer: &[u8], answer: &[u8]) -> Result<Vec<u8>, NoCommonCodec> {
        let (offer, answer_) = (Sdp::parse(offer).unwrap(), Sdp::parse(answer).unwrap());
        Ok(told(answer, self.policy().answer(&offer.media()[0], &answer_.media()[0])?))
    }

    fn voice(&self, ours: &[u8], theirs: &[u8]) -> Option<Voice> {
        let (ours, theirs) = (Sdp::parse(ours).unwrap(), Sdp::parse(theirs).unwrap());
        self.policy().voice(&ours.media()[0], &theirs.media()[0])
    }
}

#[test]
fn a_phone_is_offered_the_other_ones_codecs_first_and_ours_after_them() {
    let listed = listed(&any().offer(&pcmu_phone()));
    let codecs: Vec<&str> = listed.iter().filter_map(|format| format.split([' ', '/']).nth(1)).collect();
    let expected = ["PCMU", "opus", "G722", "PCMA", "iLBC", "GSM", "telephone-event", "telephone-event"];
    assert_eq!(codecs, expected);
    assert_eq!((&*listed[0], &*listed[2], &*listed[6]), ("0 PCMU/8000", "9 G722/8000", "101 telephone-event/8000"));
}

#[test]
fn what_both_have_passes_as_it_was_said() {
    let (offer, answer) = (pcmu_phone(), pcmu_phone());
    let (offer, answer) = (Sdp::parse(&offer).unwrap(), Sdp::parse(&answer).unwrap());
    let (wishes, streams) = (any(), (&offer.media()[0], &answer.media()[0]));
    assert_eq!(wishes.policy().answer(streams.0, streams.1), Ok(None));
    let voice = wishes.policy().voice(streams.0, streams.1).unwrap();
    assert!(voice.passes_to(&voice) && voice.packet_time == 30);
}

#[test]
fn what_the_offerer_does_not_have_becomes_what_it_has() {
    let wishes = any();
    let offer = pcmu_phone();
    let passed_on = wishes.offer(&offer);
    let lines = ["rtpmap:96 opus/48000/2", "fmtp:96 useinbandfec=1", "rtpmap:97 telephone-event/48000", "ptime:20"];
    let answer = description("96 97", &lines);
    let told = wishes.answer(&offer, &answer).unwrap();
    assert_eq!(listed(&told), ["0 PCMU/8000", "101 telephone-event/8000"]);
    assert_eq!(Sdp::parse(&told).unwrap().media()[0].ptime, Some(30));
    let (caller, callee) = (wishes.voice(&told, &offer).unwrap(), wishes.voice(&passed_on, &answer).unwrap());
    assert_eq!((caller.to_phone[0].codec, callee.to_phone[0].codec), (Codec::Pcmu, Codec::Opus));
    assert_eq!((caller.keys_told, callee.keys_told), (KeysTold::Events(101), KeysTold::Events(97)));
    assert!(callee.to_phone[0].parameters.fec);
    assert!(!caller.passes_to(&callee) && !callee.passes_to(&caller));
}

#[test]
fn of_an_answer_only_what_was_offered_is_told() {
    let offer = description("9 0", &[]);
    let answer = description("0 8 101", &["rtpmap:101 telephone-event/8000"]);
    assert_eq!(listed(&any().answer(&offer, &answer).unwrap()), ["0 PCMU/8000"]);
}

#[test]
fn a_policy_orders_takes_away_and_adds() {
    let said = description("0 8 96 9", &["rtpmap:96 AMR/8000"]);
    assert_eq!(
        listed(&only(&["PCMA", "L16", "AMR"]).offer(&said)),
        [
            "8 PCMA/8000",
            "97 L16/16000",
            "98 L16/8000",
            "99 L16/48000",
            "11 L16/44100",
            "96 AMR/8000",
            "101 telephone-event/8000",
            "100 telephone-event/48000"
        ]
    );
    let wishes = only(&["PCMA", "PCMU"]);
    let answer = description("9", &[]);
    assert_eq!(listed(&wishes.answer(&said, &answer).unwrap()), ["8 PCMA/8000"]);
    assert_eq!(only(&["G722"]).answer(&pcmu_phone(), &answer), Err(NoCommonCodec));
}

#[test]
fn what_nobody_can_look_into_passes_or_is_refused() {
    let amr = description("96", &["rtpmap:96 AMR/8000"]);
    let offered = any().policy().offer(&Sdp::parse(&amr).unwrap().media()[0], None);
    assert_eq!(offered, None);
    assert_eq!(any().voice(&amr, &amr), None);
    assert_eq!(any().answer(&pcmu_phone(), &amr), Err(NoCommonCodec));
}

#[test]
fn keys_go_in_the_way_that_a_phone_has() {
    let without = description("0", &[]);
    let (with, wishes) = (pcmu_phone(), any());
    let plain = wishes.voice(&without, &without).unwrap();
    let events = wishes.voice(&with, &with).unwrap();
    assert_eq!((&plain.keys_heard, plain.keys_told), (&KeysHeard::Tones, KeysTold::Tones));
    assert_eq!(events.keys_heard, KeysHeard::Events(vec![(101, 8000)]));
    assert!(!plain.passes_to(&events) && !events.passes_to(&plain));
    let info = Wishes { dtmf: Dtmf::Info, ..any() };
    assert!(!listed(&info.offer(&with)).iter().any(|format| format.contains("telephone-event")));
    assert_eq!(info.voice(&with, &with).unwrap().keys_told, KeysTold::Info);
    // The answerer has no events, the offerer may send them all the same.
    assert_eq!(listed(&wishes.answer(&with, &without).unwrap()), ["0 PCMU/8000", "101 telephone-event/8000"]);
}

#[test]
fn a_payload_type_keeps_the_meaning_that_the_phone_gave_it() {
    let phone = description("111 0", &["rtpmap:111 opus/48000/2"]);
    let said = description("0 96", &["rtpmap:96 iLBC/8000"]);
    let (phone, sdp) = (Sdp::parse(&phone).unwrap(), Sdp::parse(&said).unwrap());
    let formats = any().policy().offer(&sdp.media()[0], Some(&phone.media()[0]));
    assert!(listed(&told(&said, formats)).contains(&"111 opus/48000/2".to_owned()));
}

#[test]
fn our_own_offer_has_all_that_we_can() {
    let Formats { list, .. } = any().policy().own_offer();
    assert_eq!(list.len(), 6 + 2);
    assert_eq!(only(&["PCMA"]).policy().own_offer().list.len(), 1 + 1);
}

#[test]
fn an_answer_that_also_names_what_was_not_offered_still_stands() {
    let offer = description("0 101", &["rtpmap:101 telephone-event/8000"]);
    let answer = description("96 0 101", &["rtpmap:96 AMR/8000", "rtpmap:101 telephone-event/8000"]);
    let told = any().answer(&offer, &answer).map(|told| listed(&told));
    assert_eq!(told, Ok(vec!["0 PCMU/8000".to_owned(), "101 telephone-event/8000".to_owned()]));
}

#[test]
fn what_another_phone_numbers_otherwise_is_renumbered() {
    let phone = description("96 0", &["rtpmap:96 opus/48000/2"]);
    let said = description("96 8", &["rtpmap:96 iLBC/8000", "fmtp:96 mode=20"]);
    let (phone, other) = (Sdp::parse(&phone).unwrap(), Sdp::parse(&said).unwrap());
    let formats = any().policy().offer(&other.media()[0], Some(&phone.media()[0]));
    let told = listed(&told(&said, formats));
    assert!(!told.contains(&"96 iLBC/8000".to_owned()) && told[0].ends_with(" iLBC/8000"), "{told:?}");
}

#[test]
fn a_phone_that_takes_keys_otherwise_is_not_answered_with_events() {
    let wishes = Wishes { dtmf: Dtmf::Info, ..any() };
    let offer = description("0 101", &["rtpmap:101 telephone-event/8000"]);
    let told = wishes.answer(&offer, &offer).unwrap();
    let voice = wishes.voice(&told, &offer).unwrap();
    assert_eq!((listed(&told), voice.keys_heard), (vec!["0 PCMU/8000".to_owned()], KeysHeard::Info));
}

#[test]
fn a_list_of_formats_without_end_costs_little() {
    let lines: Vec<String> = (0..1000).map(|number| format!("rtpmap:{} opus/48000/2", 96 + number % 32)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let said = description(&"96 97 ".repeat(3000), &lines);
    let sdp = Sdp::parse(&said).unwrap();
    assert_eq!(sdp.media()[0].payloads().count(), 2);
    assert!(any().policy().offer(&sdp.media()[0], Some(&sdp.media()[0])).is_some());
}
