//! The media of one leg: what was said of it both ways, and the ports that carry it.

use crate::best::Failure;
use crate::formats;
use crate::media::{Ice, LegStats, Media as Ports, MediaId, NoPort, Opened, Order, Remote, Security, Sound};
use crate::protection::{self, Kind, Means, Random, Unprotected, security};
use crate::turn::Turn;
use codec::Library;
use proto::directory::{Dtmf, Srtp};
use rtp::quality::Codecs;
use sdp::offer_answer::is_same_but_origin;
use sdp::service::{Agreed, NoCommonCodec, Usage};
use sdp::{Format, Formats, Media, MediaPort, Origin, Sdp, Transport};
use sip::message::Name;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The way that media takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    /// Through ports of ours.
    Anchored,
    /// From phone to phone: descriptions pass untouched.
    Direct,
}

/// The streams of one leg.
#[derive(Debug)]
pub(crate) struct Streams {
    pub path: Path,
    pub wishes: Wishes,
    /// What its phone is.
    pub kind: Kind,
    /// The phone has refused keys in the plain profile.
    pub insists: bool,
    /// Where the phone is, as far as known before it says where its media is.
    pub near: Option<SocketAddr>,
    /// The description in force that they were told.
    pub ours: Option<Vec<u8>>,
    /// The description in force that they gave.
    pub theirs: Option<Vec<u8>>,
    session_id: u64,
    version: u64,
    /// By the index of the m= line.
    ports: Vec<Option<Port>>,
    /// Of ports that have been closed.
    ended: Vec<(usize, LegStats)>,
}

/// What the directory says of the media of a user's phones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wishes {
    /// Whether it is encrypted.
    pub srtp: Srtp,
    /// Its codecs, the preferred one first; empty: all.
    pub codecs: Box<[Box<str>]>,
    /// How keys come and go.
    pub dtmf: Dtmf,
}

impl Wishes {
    /// Of a user; of anybody else the defaults.
    pub(crate) fn of(turn: &Turn<'_>, aor: &str) -> Wishes {
        let directory = turn.core.view.directory.load();
        let Some(user) = directory.user(aor) else { return Wishes::default() };
        let (srtp, dtmf) = (directory.srtp(user), directory.dtmf(user));
        Wishes { srtp, codecs: directory.codecs(user).into(), dtmf }
    }

    fn policy<'p>(&'p self, library: &'p Library) -> formats::Policy<'p> {
        formats::Policy { codecs: &self.codecs, dtmf: self.dtmf, library }
    }
}

/// What a service does with the sound of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accept {
    /// Sends packets back as they came: any codec serves.
    Any,
    /// Hears and makes sound itself.
    Sound,
}

impl Accept {
    fn usage(self, policy: formats::Policy<'_>, format: &Format<'_>) -> Option<Usage<'static>> {
        match self {
            Accept::Any => Some(Usage::AsSaid),
            Accept::Sound => policy.usage(format),
        }
    }
}

#[derive(Debug)]
struct Port {
    opened: Opened,
    remote: Option<Remote>,
    bridged: Option<MediaId>,
}

/// Why a description cannot be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// It is none.
    #[error(transparent)]
    Malformed(#[from] sdp::SdpError),
    /// The answer does not fit its offer.
    #[error(transparent)]
    Answer(#[from] sdp::offer_answer::AnswerError),
    /// No port is free.
    #[error(transparent)]
    NoPort(#[from] NoPort),
    /// Nothing in it that the service can use.
    #[error(transparent)]
    NoCommonCodec(#[from] NoCommonCodec),
    /// It is to be encrypted and cannot, or the other way round.
    #[error(transparent)]
    Unprotected(#[from] Unprotected),
}

impl Unfit {
    /// What who offered it is answered.
    pub(crate) fn for_sender(self) -> Failure {
        Failure::of(match self {
            Unfit::Malformed(_) => 400,
            Unfit::Answer(_) | Unfit::NoCommonCodec(_) => 488,
            Unfit::Unprotected(why) => return why.failure(),
            Unfit::NoPort(_) => 503,
        })
    }

    /// What the other side is answered, which has no part in it.
    pub(crate) fn for_other(self) -> Failure {
        Failure::of(match self {
            Unfit::Malformed(_) | Unfit::Answer(_) | Unfit::NoCommonCodec(_) => 502,
            Unfit::Unprotected(why) => return why.failure(),
            Unfit::NoPort(_) => 503,
        })
    }
}

impl Unprotected {
    fn failure(self) -> Failure {
        Failure::of(488).with(Name::Reason, format_args!(r#"SIP;cause=488;text="{self}""#))
    }
}

impl Streams {
    pub(crate) fn new(path: Path, wishes: Wishes, session_id: u64, near: Option<SocketAddr>) -> Streams {
        Streams {
            path,
            wishes,
            kind: Kind::Phone,
            insists: false,
            near,
            ours: None,
            theirs: None,
            // Positive in 63 bits, since some phones read it so.
            session_id: session_id >> 2,
            version: 1,
            ports: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// The same toward a browser.
    pub(crate) fn of_kind(self, kind: Kind) -> Streams {
        Streams { kind, ..self }
    }

    /// The streams of a leg that another shard had.
    pub(crate) fn restored(
        path: Path,
        wishes: Wishes,
        (session_id, version): (u64, u64),
        ours: &[u8],
        theirs: &[u8],
    ) -> Streams {
        let said = |sdp: &[u8]| (!sdp.is_empty()).then(|| sdp.to_vec());
        Streams { session_id, version, ours: said(ours), theirs: said(theirs), ..Streams::new(path, wishes, 0, None) }
    }

    /// Number and version of the session that our descriptions name.
    pub(crate) fn session(&self) -> (u64, u64) {
        (self.session_id, self.version)
    }

    /// Opens ports for the streams that both descriptions in force have.
    pub(crate) fn reopen(&mut self, turn: &mut Turn<'_>) -> Result<(), NoPort> {
        let (Path::Anchored, Some(ours), Some(theirs)) = (self.path, self.ours.clone(), self.theirs.clone()) else {
            return Ok(());
        };
        let (Ok(ours), Ok(theirs)) = (Sdp::parse(&ours), Sdp::parse(&theirs)) else { return Ok(()) };
        self.near = theirs.media().iter().find_map(|media| media.rtp_address());
        for (index, (ours, theirs)) in ours.media().iter().zip(theirs.media()).enumerate() {
            if !ours.is_rejected() && !theirs.is_rejected() {
                self.open(turn, index)?;
            }
        }
        Ok(())
    }

    /// What this leg is told of an offer of the other leg. Opens the ports that it needs.
    pub(crate) fn describe(&mut self, turn: &mut Turn<'_>, other: &[u8]) -> Result<Vec<u8>, Unfit> {
        match self.path {
            Path::Direct => Ok(other.to_vec()),
            Path::Anchored => {
                let sdp = Sdp::parse(other)?;
                let ports = self.open_for(turn, &sdp)?;
                let transports = self.protection().offer(&sdp, &mut self.means(turn));
                let formats = self.offer_formats(turn, &sdp);
                Ok(self.tell(&sdp, &ports, &transports, &formats))
            }
        }
    }

    fn offer_formats(&self, turn: &Turn<'_>, sdp: &Sdp<'_>) -> Vec<Option<Formats>> {
        let policy = self.wishes.policy(&turn.settings().library);
        let phone = self.theirs.as_deref().and_then(|theirs| Sdp::parse(theirs).ok());
        let of_phone = |index: usize| phone.as_ref()?.media().get(index);
        { sdp.media().iter().enumerate() }.map(|(index, media)| policy.offer(media, of_phone(index))).collect()
    }

    fn protection(&self) -> protection::Leg<'_> {
        let policy = if self.insists { Srtp::Required } else { self.wishes.srtp };
        protection::Leg { policy, kind: self.kind, ours: self.ours.as_deref(), theirs: self.theirs.as_deref() }
    }

    fn means<'t>(&'t self, turn: &'t mut Turn<'_>) -> OwnMeans<'t> {
        OwnMeans { media: turn.media, ports: &self.ports }
    }

    /// The same for a phone that refused an offer with keys in the plain profile: some take them in the secure one only. `None`: that
    /// was not what it refused.
    pub(crate) fn describe_securely(&mut self, turn: &mut Turn<'_>, other: &[u8]) -> Option<Vec<u8>> {
        let is_optional = self.path == Path::Anchored && self.wishes.srtp == Srtp::Offer && !self.insists;
        let ours = self.ours.as_deref().and_then(|ours| Sdp::parse(ours).ok());
        let had_keys = ours.is_some_and(|ours| ours.media().iter().any(|media| media.crypto));
        if !is_optional || !had_keys {
            return None;
        }
        self.insists = true;
        self.describe(turn, other).ok()
    }

    /// Opens the ports that a description needs.
    fn open_for(&mut self, turn: &mut Turn<'_>, sdp: &Sdp<'_>) -> Result<Vec<MediaPort>, NoPort> {
        let streams = sdp.media().iter().enumerate().take(turn.settings().limits.streams);
        { streams }
            .map(|(index, media)| match media.is_rejected() || !media.is_datagram() {
                true => Ok(MediaPort::REJECTED),
                false => self.open(turn, index),
            })
            .collect()
    }

    /// The description of the other leg as this leg is told it.
    fn tell(
        &mut self,
        sdp: &Sdp<'_>,
        ports: &[MediaPort],
        transports: &[Option<Transport>],
        formats: &[Option<Formats>],
    ) -> Vec<u8> {
        let told = sdp::rewrite(sdp, ports, transports, formats, self.origin());
        match &self.ours {
            Some(before) if is_same_but_origin(before, &told) => before.clone(),
            Some(_) => {
                self.version += 1;
                sdp::rewrite(sdp, ports, transports, formats, self.origin())
            }
            None => told,
        }
    }

    /// What this leg is told of the other leg's answer to its offer.
    pub(crate) fn describe_answer(
        &mut self,
        turn: &mut Turn<'_>,
        offer: &[u8],
        answer: &[u8],
    ) -> Result<Vec<u8>, Unfit> {
        match self.path {
            Path::Direct => Ok(answer.to_vec()),
            Path::Anchored => {
                let (offer, answer) = (Sdp::parse(offer)?, Sdp::parse(answer)?);
                let ports = self.open_for(turn, &answer)?;
                let transports = self.protection().answer(&offer, &answer, &mut self.means(turn))?;
                let policy = self.wishes.policy(&turn.settings().library);
                let streams = offer.media().iter().zip(answer.media());
                let formats = streams.map(|(offer, answer)| policy.answer(offer, answer));
                let formats = formats.collect::<Result<Vec<_>, _>>()?;
                Ok(self.tell(&answer, &ports, &transports, &formats))
            }
        }
    }

    /// Whether the phone's own offer can be answered at all, before anybody else is asked.
    pub(crate) fn check_offer(&self, offer: &[u8]) -> Result<(), Unfit> {
        match self.path {
            Path::Anchored => Ok(self.protection().check_offer(&Sdp::parse(offer)?)?),
            Path::Direct => Ok(()),
        }
    }

    /// Whether the phone's answer to an offer of ours may stand.
    pub(crate) fn check_answer(&self, offer: &[u8], answer: &[u8]) -> Result<(), Unfit> {
        match self.path {
            Path::Anchored => {
                let (offer, answer) = (Sdp::parse(offer)?, Sdp::parse(answer)?);
                protection::Leg::check(self.wishes.srtp, &offer, &answer)?;
                Ok(sdp::offer_answer::check_answer(&offer, &answer)?)
            }
            Path::Direct => Ok(()),
        }
    }

    /// The exchange's own answer to their offer.
    pub(crate) fn answer(
        &mut self,
        turn: &mut Turn<'_>,
        offer: &[u8],
        accept: Accept,
    ) -> Result<(Agreed, Vec<u8>), Unfit> {
        let sdp = Sdp::parse(offer)?;
        let stream = self.agree(turn, &sdp, accept)?.stream;
        let had_port = self.open_port(stream).is_some();
        let port = self.open(turn, stream)?;
        let transports = match self.protection().answer(&sdp, &sdp, &mut self.means(turn)) {
            Ok(transports) => transports,
            Err(unprotected) => {
                if !had_port {
                    self.close_port(turn, stream);
                }
                return Err(unprotected.into());
            }
        };
        let attributes = transports.into_iter().nth(stream).flatten().map(|transport| transport.attributes);
        self.version += u64::from(self.ours.is_some());
        let policy = self.wishes.policy(&turn.settings().library);
        let usable = |format: &Format<'_>| accept.usage(policy, format);
        let answer = sdp::service::answer(&sdp, &usable, port, &attributes.unwrap_or_default(), self.origin())?;
        self.keep_only(turn, stream);
        Ok(answer)
    }

    /// Closes the ports of all streams but one.
    fn keep_only(&mut self, turn: &mut Turn<'_>, stream: usize) {
        for index in (0..self.ports.len()).filter(|index| *index != stream) {
            self.close_port(turn, index);
        }
    }

    /// What a service can agree on with the phone, by the phone's description.
    pub(crate) fn agree(&self, turn: &Turn<'_>, theirs: &Sdp<'_>, accept: Accept) -> Result<Agreed, NoCommonCodec> {
        let policy = self.wishes.policy(&turn.settings().library);
        sdp::service::agree(theirs, &|format| accept.usage(policy, format))
    }

    /// The exchange's own offer: of the stream that is served already, all others refused in their places (RFC 3264 §8).
    pub(crate) fn offer(&mut self, turn: &mut Turn<'_>) -> Result<Vec<u8>, Unfit> {
        let stream = self.ports.iter().position(Option::is_some).unwrap_or(0);
        let port = self.open(turn, stream)?;
        let transport = self.protection().own_offer(stream, &mut self.means(turn));
        self.version += u64::from(self.ours.is_some());
        let formats = self.wishes.policy(&turn.settings().library).own_offer();
        let offer = sdp::service::offer(port, &transport, &formats, self.origin());
        let before = self.ours.as_deref().and_then(|ours| Sdp::parse(ours).ok());
        Ok(before.map_or_else(|| offer.clone(), |before| in_place(&offer, stream, &before)))
    }

    /// Lets the exchange be the other side of the stream that was agreed on.
    pub(crate) fn serve(&mut self, turn: &mut Turn<'_>, sound: Sound, agreed: &Agreed) {
        let (Some(ours), Some(theirs)) = (self.ours.clone(), self.theirs.clone()) else { return };
        let (Ok(ours), Ok(theirs)) = (Sdp::parse(&ours), Sdp::parse(&theirs)) else { return };
        let both = ours.media().get(agreed.stream).zip(theirs.media().get(agreed.stream));
        if let (Some((ours, theirs)), Some(Some(port))) = (both, self.ports.get_mut(agreed.stream)) {
            port.connect(turn, &self.wishes, ours, theirs, agreed.rtcp_mux);
            turn.media.serve(port.opened.id, sound, agreed);
        }
    }

    /// Its ports in the order of the streams.
    pub(crate) fn open_ports(&self) -> impl Iterator<Item = MediaId> {
        self.ports.iter().flatten().map(|port| port.opened.id)
    }

    /// The ports of one stream.
    pub(crate) fn open_port(&self, index: usize) -> Option<MediaId> {
        Some(self.ports.get(index)?.as_ref()?.opened.id)
    }

    /// Whether these ports are one of its own.
    pub(crate) fn has(&self, id: MediaId) -> bool {
        self.open_ports().any(|port| port == id)
    }

    /// The phone is in a room.
    pub(crate) fn is_in_room(&self, turn: &Turn<'_>) -> bool {
        self.open_ports().any(|port| turn.media.is_in_room(port))
    }

    /// Asks something of the room that the phone is in.
    pub(crate) fn order(&self, turn: &mut Turn<'_>, order: Order) {
        self.open_ports().for_each(|port| turn.media.order(port, order.clone()));
    }

    /// Tells the phone of a key in its media. `false`: it cannot be told there.
    pub(crate) fn press(&self, turn: &mut Turn<'_>, key: char, held: Duration) -> bool {
        self.open_ports().any(|port| turn.media.press(port, key, held))
    }

    /// They listen to nothing: the other side is on hold.
    pub(crate) fn is_hold(&self) -> bool {
        let theirs = self.theirs.as_deref().and_then(|theirs| Sdp::parse(theirs).ok());
        theirs.is_some_and(|theirs| theirs.is_hold())
    }

    /// What each open stream has seen up to now.
    pub(crate) fn stats(&self, media: &dyn Ports) -> impl Iterator<Item = LegStats> {
        self.ports.iter().flatten().map(|port| media.stats(port.opened.id))
    }

    /// Closes every port; what each stream saw in its life.
    pub(crate) fn close(&mut self, turn: &mut Turn<'_>) -> Vec<(usize, LegStats)> {
        for index in 0..self.ports.len() {
            self.close_port(turn, index);
        }
        std::mem::take(&mut self.ended)
    }

    fn open(&mut self, turn: &mut Turn<'_>, index: usize) -> Result<MediaPort, NoPort> {
        if self.ports.len() <= index {
            self.ports.resize_with(index + 1, || None);
        }
        let opened = match &self.ports[index] {
            Some(port) => port.opened,
            None => {
                let opened = turn.open_media(self.near)?;
                self.ports[index] = Some(Port { opened, remote: None, bridged: None });
                opened
            }
        };
        Ok(MediaPort { address: opened.address, rtp: opened.rtp, rtcp: opened.rtcp })
    }

    fn close_port(&mut self, turn: &mut Turn<'_>, index: usize) {
        if let Some(port) = self.ports.get_mut(index).and_then(Option::take) {
            self.ended.push((index, turn.close_media(port.opened.id)));
        }
    }

    fn origin(&self) -> Origin {
        let address = self.ports.iter().flatten().next().map(|port| port.opened.address);
        let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        Origin { session_id: self.session_id, version: self.version, address }
    }
}

/// An offer of one stream, put where that stream has been in an earlier description; all others stand around it, refused.
fn in_place(offer: &[u8], stream: usize, before: &Sdp<'_>) -> Vec<u8> {
    let Some(begin) = memchr::memmem::find(offer, b"\r\nm=").map(|end| end + 2) else { return offer.to_vec() };
    let refused = |media: &Media<'_>| {
        let format = media.formats.split_ascii_whitespace().next().unwrap_or("0");
        format!("m={} 0 {} {format}\r\n", media.kind_text, media.protocol).into_bytes()
    };
    let mut out = offer[..begin].to_vec();
    before.media().iter().take(stream).for_each(|media| out.extend(refused(media)));
    out.extend(&offer[begin..]);
    before.media().iter().skip(stream + 1).for_each(|media| out.extend(refused(media)));
    out
}

const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What the media plane has for the ports of a leg.
struct OwnMeans<'t> {
    media: &'t mut dyn Ports,
    ports: &'t [Option<Port>],
}

impl Means for OwnMeans<'_> {
    fn draw_key(&mut self) -> Random {
        self.media.draw_key()
    }

    fn fingerprint(&mut self) -> String {
        self.media.fingerprint()
    }

    fn ice(&mut self, index: usize, restart: bool) -> Option<Ice> {
        let port = self.ports.get(index)?.as_ref()?;
        self.media.ice(port.opened.id, restart)
    }
}

impl Port {
    fn connect(&mut self, turn: &mut Turn<'_>, wishes: &Wishes, ours: &Media<'_>, theirs: &Media<'_>, mux: bool) {
        let security = security(ours, theirs);
        // With ICE an address is found out, whatever the description has in its place. Without, nothing may pass to a name that we do not
        // look up, least of all in plain.
        let Some(rtp) = theirs.rtp_address().or((security != Security::Plain).then_some(NOWHERE)) else { return };
        let rtcp = if mux { rtp } else { theirs.rtcp_address().unwrap_or(rtp) };
        let is_speech = theirs.kind == sdp::Kind::Audio;
        let named = || theirs.payloads().map(|format| (format.payload_type, format.name)).collect();
        let codecs = if is_speech { named() } else { Codecs::NONE };
        let (direction, clocks) = (theirs.direction, theirs.clocks());
        let voice = wishes.policy(&turn.settings().library).voice(ours, theirs);
        let remote = Remote { rtp, rtcp, mux, direction, clocks, codecs, voice, security };
        // A handshake that has failed is begun again.
        if self.remote.as_ref() != Some(&remote) || matches!(remote.security, Security::Dtls(_)) {
            turn.media.connect(self.opened.id, remote.clone());
            self.remote = Some(remote);
        }
    }
}

/// Lets media flow between two legs as both said; a stream that one of them refused is closed on both.
pub(crate) fn join(turn: &mut Turn<'_>, one: &mut Streams, other: &mut Streams) {
    if one.path == Path::Direct {
        return;
    }
    let legs = [&one.ours, &one.theirs, &other.ours, &other.theirs].map(|sdp| sdp.clone().unwrap_or_default());
    let [Ok(one_ours), Ok(one_theirs), Ok(other_ours), Ok(other_theirs)] = legs.each_ref().map(|sdp| Sdp::parse(sdp))
    else {
        return;
    };
    for index in 0..one.ports.len().max(other.ports.len()) {
        let both = one_theirs.media().get(index).zip(other_theirs.media().get(index));
        let told = one_ours.media().get(index).zip(other_ours.media().get(index));
        let flowing = both.zip(told).filter(|((said, answered), _)| !said.is_rejected() && !answered.is_rejected());
        match (flowing, one.ports.get_mut(index), other.ports.get_mut(index)) {
            (Some(((said, answered), (to_one, to_other))), Some(Some(left)), Some(Some(right))) => {
                left.connect(turn, &one.wishes, to_one, said, to_one.rtcp_mux && said.rtcp_mux);
                right.connect(turn, &other.wishes, to_other, answered, to_other.rtcp_mux && answered.rtcp_mux);
                if left.bridged != Some(right.opened.id) || right.bridged != Some(left.opened.id) {
                    turn.media.bridge(left.opened.id, right.opened.id);
                    (left.bridged, right.bridged) = (Some(right.opened.id), Some(left.opened.id));
                }
            }
            (_, _, _) => {
                one.close_port(turn, index);
                other.close_port(turn, index);
            }
        }
    }
}
