//! What protects the streams of a leg: read out of the descriptions in force, and written into the next one.
//!
//! Phones have keys in their descriptions (SDES, RFC 4568) or make them by a handshake in the media (DTLS, RFC 5763); browsers take
//! nothing but the latter, with ICE. Of keys in descriptions, offer and answer share exactly one tag, so both descriptions together
//! say which keys hold, whoever offered.

use crate::media::{Begins, Ice, Keys, Peer, Security};
use proto::directory::Srtp;
use sdp::crypto::{self, Crypto};
use sdp::{Media, Sdp, Transport};
use srtp::{MasterKey, Suite};

/// A leg's policy, and the descriptions in force on it.
#[derive(Clone, Copy)]
pub(crate) struct Leg<'s> {
    pub policy: Srtp,
    pub kind: Kind,
    pub ours: Option<&'s [u8]>,
    pub theirs: Option<&'s [u8]>,
}

/// What a leg is offered where it has not said itself what it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Plain streams, or keys in the description.
    Phone,
    /// ICE and DTLS.
    Browser,
}

/// What we ourselves have for a leg.
pub(crate) trait Means {
    /// Bytes for a key.
    fn draw_key(&mut self) -> Random;

    /// Of our certificate.
    fn fingerprint(&mut self) -> String;

    /// Of the ports of stream `index`; `None`: it has none.
    fn ice(&mut self, index: usize, restart: bool) -> Option<Ice>;
}

/// The leg's policy and what the phone can do do not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unprotected {
    /// The phone must encrypt and does not.
    #[error("SRTP is required")]
    Required,
    /// The phone insists on what is switched off.
    #[error("SRTP is switched off")]
    Off,
    /// The phone insists on encryption and offers none that we have.
    #[error("No key or suite of SRTP that can be used")]
    Unknown,
}

/// The suites of our offers; more would only make an INVITE longer than a datagram ought to be.
const OFFERED: [Suite; 3] = [Suite::AeadAes256Gcm, Suite::AesCm256HmacSha1_80, Suite::AesCm128HmacSha1_80];

impl Leg<'_> {
    /// How the streams that the other leg describes are offered to the phone; `None` for what is no RTP.
    ///
    /// Where encryption is offered and not required, the keys stand in a stream of the plain profile: a phone that does not know them
    /// passes over them.
    pub(crate) fn offer(self, described: &Sdp<'_>, means: &mut dyn Means) -> Vec<Option<Transport>> {
        let [ours, theirs] = self.in_force();
        let speaks_ice = |theirs: &Sdp<'_>| theirs.media().iter().any(|media| media.is_dtls() && media.ice.is_some());
        let is_browser = self.kind == Kind::Browser || theirs.as_ref().is_some_and(speaks_ice);
        let mut offer = |(index, media): (usize, &Media<'_>)| {
            if !media.is_rtp() || media.is_rejected() {
                return None;
            }
            let before = stream(&ours, index).zip(stream(&theirs, index));
            // What was refused says nothing of what the phone can.
            let before = before.filter(|(ours, theirs)| !ours.is_rejected() && !theirs.is_rejected());
            if before.map_or(is_browser, |(ours, _)| ours.is_dtls()) {
                let has_ice = before.is_none_or(|(ours, _)| ours.ice.is_some());
                let attributes = handshake_attributes(index, "actpass", has_ice, false, means);
                let protocol = before.map_or(DTLS, |(ours, _)| ours.protocol).to_owned();
                return Some(Transport { protocol, attributes });
            }
            let feedback = if media.is_dtls() || !media.protocol.ends_with("AVPF") { "" } else { "F" };
            let was_secure = before.is_some_and(|(ours, _)| is_secure(ours));
            let secure = if self.policy == Srtp::Required || was_secure { "S" } else { "" };
            let attributes = match (self.policy, before.map(|(ours, theirs)| said_again(ours, theirs))) {
                (Srtp::Off, _) => Vec::new(),
                (Srtp::Offer, Some(lines)) => lines,
                (Srtp::Required, Some(lines)) if !lines.is_empty() => lines,
                (Srtp::Offer | Srtp::Required, _) => lines(means),
            };
            Some(Transport { protocol: format!("RTP/{secure}AVP{feedback}"), attributes })
        };
        described.media().iter().enumerate().map(&mut offer).collect()
    }

    /// How the exchange's own stream `index` is offered to the phone.
    pub(crate) fn own_offer(self, index: usize, means: &mut dyn Means) -> Transport {
        const SESSION: &str = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n";
        let any = [SESSION, &"m=audio 0 RTP/AVP 0\r\n".repeat(index), "m=audio 9 RTP/AVP 0\r\n"].concat();
        let any = Sdp::parse(any.as_bytes()).expect("a description of streams");
        self.offer(&any, means).pop().flatten().expect("a stream of RTP has a transport")
    }

    /// How the streams of the phone's offer are answered; `None` for what is no RTP, or is refused in `answer`.
    pub(crate) fn answer(
        self,
        offer: &Sdp<'_>,
        answer: &Sdp<'_>,
        means: &mut dyn Means,
    ) -> Result<Vec<Option<Transport>>, Unprotected> {
        let [ours, theirs] = self.in_force();
        let streams = offer.media().iter().zip(answer.media()).enumerate();
        { streams }
            .map(|(index, (offer, answer))| {
                if !offer.is_rtp() || offer.is_rejected() || answer.is_rejected() {
                    return Ok(None);
                }
                let before = stream(&ours, index).zip(stream(&theirs, index));
                let attributes = match offer.is_dtls() {
                    true => self.answer_handshake(index, offer, before, means)?,
                    false => self.answer_keys(offer, before, means)?,
                };
                Ok(Some(Transport { protocol: offer.protocol.to_owned(), attributes }))
            })
            .collect()
    }

    fn answer_keys(
        self,
        offer: &Media<'_>,
        before: Option<(&Media<'_>, &Media<'_>)>,
        means: &mut dyn Means,
    ) -> Result<Vec<String>, Unprotected> {
        let Some((line, key)) = self.choose(offer)? else { return Ok(Vec::new()) };
        // As long as the phone keeps its key, we keep ours.
        let before = before.filter(|(_, theirs)| key_with_tag(theirs, line.tag) == Some(key));
        let before = before.and_then(|(ours, _)| key_with_tag(ours, line.tag));
        let own = before.unwrap_or_else(|| MasterKey::from_random(key.suite(), means.draw_key()));
        Ok(vec![written(line.tag, &own)])
    }

    fn answer_handshake(
        self,
        index: usize,
        offer: &Media<'_>,
        before: Option<(&Media<'_>, &Media<'_>)>,
        means: &mut dyn Means,
    ) -> Result<Vec<String>, Unprotected> {
        if self.policy == Srtp::Off {
            return Err(Unprotected::Off);
        }
        offer.fingerprint.ok_or(Unprotected::Unknown)?;
        // Who has begun an association goes on as who began it (RFC 8842 §5.5).
        let same = before.filter(|(_, theirs)| theirs.fingerprint == offer.fingerprint);
        let begun = same.map(|(ours, theirs)| begins(ours, theirs));
        let setup = match (offer.setup, begun) {
            (Some("passive"), _) | (Some("actpass"), Some(Begins::We)) => "active",
            (_, _) => "passive",
        };
        let restart = before.is_some_and(|(_, theirs)| theirs.ice.is_some() && theirs.ice != offer.ice);
        let mut attributes = handshake_attributes(index, setup, offer.ice.is_some(), restart, means);
        if !offer.rtcp_mux {
            attributes.retain(|attribute| attribute != "rtcp-mux");
        }
        attributes.extend(offer.mid.map(|mid| format!("mid:{mid}")));
        Ok(attributes)
    }

    /// The line of an offered stream that is taken; `None`: it is plain.
    fn choose<'m>(&self, offer: &'m Media<'_>) -> Result<Option<(Crypto<'m>, MasterKey)>, Unprotected> {
        let usable = { offer.cryptos() }.find_map(|line| Some((line, key_of(&line)?)));
        match (self.policy, is_secure(offer), usable) {
            (Srtp::Off, true, _) => Err(Unprotected::Off),
            (Srtp::Off, false, _) | (Srtp::Offer, false, None) => Ok(None),
            (Srtp::Offer | Srtp::Required, true, None) => Err(Unprotected::Unknown),
            (Srtp::Required, false, None) => Err(Unprotected::Required),
            (Srtp::Offer | Srtp::Required, _, Some(usable)) => Ok(Some(usable)),
        }
    }

    /// Whether every stream of the phone's offer can be answered.
    pub(crate) fn check_offer(self, offer: &Sdp<'_>) -> Result<(), Unprotected> {
        for media in offer.media().iter().filter(|media| media.is_rtp() && !media.is_rejected()) {
            match (media.is_dtls(), self.policy) {
                (true, Srtp::Off) => return Err(Unprotected::Off),
                (true, Srtp::Offer | Srtp::Required) => _ = media.fingerprint.ok_or(Unprotected::Unknown)?,
                (false, _) => _ = self.choose(media)?,
            }
        }
        Ok(())
    }

    /// Whether the phone's answer to our offer may stand.
    pub(crate) fn check(policy: Srtp, offer: &Sdp<'_>, answer: &Sdp<'_>) -> Result<(), Unprotected> {
        for (ours, theirs) in offer.media().iter().zip(answer.media()) {
            let must = policy == Srtp::Required || is_secure(ours);
            if must && ours.is_rtp() && !theirs.is_rejected() && security(ours, theirs) == Security::Plain {
                return Err(Unprotected::Required);
            }
        }
        Ok(())
    }

    fn in_force(&self) -> [Option<Sdp<'_>>; 2] {
        [self.ours, self.theirs].map(|sdp| Sdp::parse(sdp?).ok())
    }
}

fn stream<'s, 'a>(sdp: &'s Option<Sdp<'a>>, index: usize) -> Option<&'s Media<'a>> {
    sdp.as_ref()?.media().get(index)
}

/// As many random bytes as any key needs.
pub(crate) type Random = [u8; MasterKey::LONGEST];

/// The profile of streams whose keys come from a handshake.
const DTLS: &str = "UDP/TLS/RTP/SAVPF";

fn handshake_attributes(index: usize, setup: &str, has_ice: bool, restart: bool, means: &mut dyn Means) -> Vec<String> {
    let mut attributes =
        vec![format!("fingerprint:{}", means.fingerprint()), format!("setup:{setup}"), "rtcp-mux".into()];
    if let Some(Ice { ufrag, pwd, candidate }) = if has_ice { means.ice(index, restart) } else { None } {
        attributes.extend([format!("ice-ufrag:{ufrag}"), format!("ice-pwd:{pwd}"), format!("candidate:{candidate}")]);
        attributes.push("end-of-candidates".into());
    }
    attributes
}

/// What both descriptions of a stream agree on.
pub(crate) fn security(ours: &Media<'_>, theirs: &Media<'_>) -> Security {
    if let Some(keys) = keys(ours, theirs) {
        return Security::Sdes(keys);
    }
    let Some(fingerprint) = theirs.fingerprint.filter(|_| ours.is_dtls()) else { return Security::Plain };
    let ufrag = theirs.ice.filter(|_| ours.ice.is_some()).map(str::to_owned);
    Security::Dtls(Peer { begins: begins(ours, theirs), fingerprint: fingerprint.to_owned(), ufrag })
}

/// Who begins the handshake by both descriptions of a stream.
fn begins(ours: &Media<'_>, theirs: &Media<'_>) -> Begins {
    match (ours.setup, theirs.setup) {
        (Some("active"), _) | (Some("actpass"), Some("passive")) => Begins::We,
        (_, _) => Begins::They,
    }
}

/// The keys that both descriptions of a stream agree on.
fn keys(ours: &Media<'_>, theirs: &Media<'_>) -> Option<Keys> {
    { theirs.cryptos() }.find_map(|line| {
        let inbound = key_of(&line)?;
        let outbound = key_with_tag(ours, line.tag).filter(|outbound| outbound.suite() == inbound.suite())?;
        Some(Keys { inbound, outbound })
    })
}

/// What of our lines an offer that changes no key repeats: the one in force, or all that a plain phone passed over.
fn said_again(ours: &Media<'_>, theirs: &Media<'_>) -> Vec<String> {
    let in_force = keys(ours, theirs).map(|keys| keys.outbound);
    let lines = { ours.cryptos() }.filter_map(|line| Some((line.tag, key_of(&line)?)));
    let lines = lines.filter(|(_, key)| in_force.is_none_or(|in_force| in_force == *key));
    lines.map(|(tag, key)| written(tag, &key)).collect()
}

fn lines(means: &mut dyn Means) -> Vec<String> {
    (1..).zip(OFFERED).map(|(tag, suite)| written(tag, &MasterKey::from_random(suite, means.draw_key()))).collect()
}

fn written(tag: u32, key: &MasterKey) -> String {
    format!("crypto:{}", crypto::write(tag, key.suite().name(), key.key_and_salt()))
}

fn key_with_tag(media: &Media<'_>, tag: u32) -> Option<MasterKey> {
    { media.cryptos() }.find(|line| line.tag == tag).and_then(|line| key_of(&line))
}

/// The key of a line that asks for nothing that we do not do.
fn key_of(line: &Crypto<'_>) -> Option<MasterKey> {
    let key = line.key().filter(|_| line.is_plain())?;
    MasterKey::new(Suite::from_name(line.suite)?, key.bytes()).ok()
}

fn is_secure(media: &Media<'_>) -> bool {
    media.is_rtp() && !media.is_plain_rtp()
}
