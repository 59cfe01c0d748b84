//! What a shard asks of whoever owns the RTP sockets, and what it is told by them.

use codec::Format;
use rtp::quality::{Codec, Codecs};
use rtp::rtcp::{Told, VoipMetrics};
use sdp::Direction;
use sdp::service::Agreed;
use srtp::MasterKey;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// One open pair of ports (RTP and RTCP) toward one side of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaId(pub u64);

/// The sockets of a shard, or their stand-in in a simulation.
pub trait Media {
    /// Takes a pair of ports; `toward` is where the phone's SDP or registration says that it is, which decides the address.
    fn open(&mut self, toward: Option<SocketAddr>) -> Result<Opened, NoPort>;

    /// Tells or changes where the phone expects its media; latching starts again when an address changed.
    fn connect(&mut self, id: MediaId, remote: Remote);

    /// Passes whatever arrives at one on to the other, both ways; a former bridge or sound of either ends.
    fn bridge(&mut self, one: MediaId, other: MediaId);

    /// Lets the exchange itself be the other side, with the codec and telephone-event that were agreed on; a former bridge
    /// or sound ends.
    fn serve(&mut self, id: MediaId, sound: Sound, agreed: &Agreed);

    /// Whether nobody else may come into a room.
    fn is_locked(&self, room: &str) -> bool;

    /// Whether the phone is in a room.
    fn is_in_room(&self, id: MediaId) -> bool;

    /// Does what a participant asks of the room that it is in.
    fn order(&mut self, id: MediaId, order: Order);

    /// A room as it is now; `None`: nobody is in it.
    fn room(&self, room: &str) -> Option<RoomState>;

    /// Does what an operator asks of a room; for how many, which is none where too many announcements wait.
    fn rule(&mut self, room: &str, rule: Rule) -> usize;

    /// Records what passes between the phone and its partner, or in the room that it is in, until its ports are closed or the room is
    /// empty.
    fn tape(&mut self, id: MediaId, tape: Tape);

    /// Tells of the phone's keys ([`MediaEvent::Dtmf`]) also while its sound passes to another phone.
    fn watch(&mut self, id: MediaId);

    /// Tells the phone of a key that was held for so long, in the way that [`Voice::keys_told`] says. `false`: it cannot be told
    /// in the media.
    fn press(&mut self, id: MediaId, key: char, held: Duration) -> bool;

    /// The fingerprint of our certificate, as `a=fingerprint` has it: `sha-256 12:AB:...`.
    fn fingerprint(&self) -> String;

    /// What a phone with ICE is told of these ports; `restart` draws it anew (RFC 8445 §9). `None`: they are closed.
    fn ice(&mut self, id: MediaId, restart: bool) -> Option<Ice>;

    /// Bytes for a key that nobody can foretell.
    fn draw_key(&mut self) -> [u8; MasterKey::LONGEST];

    /// What open ports have seen up to now.
    fn stats(&self, id: MediaId) -> LegStats;

    /// Gives the ports back and ends the bridge or sound.
    fn close(&mut self, id: MediaId) -> LegStats;
}

/// A pair of ports just opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Names it from now on.
    pub id: MediaId,
    /// What the phone is told.
    pub address: IpAddr,
    /// The port for RTP.
    pub rtp: u16,
    /// The port for RTCP.
    pub rtcp: u16,
}

/// Every port of the configured range is in use or resting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no free media port")]
pub struct NoPort;

/// Where a phone says that it takes media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Expected address for RTP; an unspecified address (hold by RFC 2543) takes and gets nothing.
    pub rtp: SocketAddr,
    /// Expected address for RTCP; equal to `rtp` where both share a port.
    pub rtcp: SocketAddr,
    /// RTP and RTCP share one port (RFC 5761).
    pub mux: bool,
    /// As the phone sees it: a phone that says `SendOnly` holds the call. Silence of one that does not send is no event.
    pub direction: Direction,
    /// The clocks of the payload types, by which jitter is told.
    pub clocks: sdp::Clocks,
    /// Their codecs, by which loss is weighed.
    pub codecs: Codecs,
    /// How its sound is made into samples, and made from them; `None`: it is no sound, or none that can be looked into.
    pub voice: Option<Voice>,
    /// What protects RTP and RTCP.
    pub security: Security,
}

/// The sound of one stream, where it can be looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// What the phone may send, by the payload types that it was told.
    pub from_phone: Vec<Format>,
    /// What the phone takes, by the payload types that it said; the first is what it is sent. At least one.
    pub to_phone: Vec<Format>,
    /// Milliseconds of sound in a packet that it wants.
    pub packet_time: u16,
    /// Payload type of comfort noise (RFC 3389).
    pub comfort_noise: Option<u8>,
    /// How keys are heard of the phone.
    pub keys_heard: KeysHeard,
    /// How keys are told to it.
    pub keys_told: KeysTold,
}

/// How the keys of a phone are heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeysHeard {
    /// As telephone events of these payload types, with their clocks.
    Events(Vec<(u8, u32)>),
    /// As tones in its sound.
    Tones,
    /// In INFO requests, which the media knows nothing of.
    Info,
}

/// How a phone is told of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysTold {
    /// As telephone events of this payload type.
    Events(u8),
    /// As tones in the sound.
    Tones,
    /// In INFO requests.
    Info,
}

impl Voice {
    /// Whether the packets that this phone will send by all appearances are fit for the other one as they are. It may turn to
    /// another format that was agreed on: [`Voice::unfit_for`].
    pub fn passes_to(&self, other: &Voice) -> bool {
        let keys_pass = match (&self.keys_heard, other.keys_told) {
            (KeysHeard::Events(events), KeysTold::Events(taken)) => events.iter().any(|(event, _)| *event == taken),
            (KeysHeard::Tones, KeysTold::Tones) | (KeysHeard::Info, _) => true,
            (KeysHeard::Events(_) | KeysHeard::Tones, _) => false,
        };
        // Whoever answered was the last to say what comes first.
        let prefers = |formats: &[Format]| formats.first().is_some_and(|format| other.takes(format.codec));
        let fits = |format: &Format| !self.unfit_for(other, format.payload_type);
        keys_pass && self.from_phone.first().is_some_and(fits) && prefers(&self.to_phone)
    }

    /// Whether a payload type of this phone carries sound that the other one does not take as it is.
    pub fn unfit_for(&self, other: &Voice, payload_type: u8) -> bool {
        let format = self.from_phone.iter().find(|format| format.payload_type == payload_type);
        format.is_some_and(|format| {
            let same = |taken: &Format| (taken.codec, taken.payload_type) == (format.codec, format.payload_type);
            !other.to_phone.iter().any(same)
        })
    }

    fn takes(&self, codec: codec::Codec) -> bool {
        self.to_phone.iter().any(|format| format.codec == codec)
    }
}

/// What protects a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Security {
    /// Nothing.
    Plain,
    /// Keys out of the descriptions (RFC 4568).
    Sdes(Keys),
    /// Keys that a handshake in the media makes (RFC 5764).
    Dtls(Peer),
}

/// Who is at the other end of a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Whether we begin it.
    pub begins: Begins,
    /// Its certificate's fingerprint, as its `a=fingerprint` has it.
    pub fingerprint: String,
    /// Its ICE user fragment; `None`: it does not speak ICE.
    pub ufrag: Option<String>,
}

/// Who begins a handshake (`a=setup`, RFC 5763 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// We do.
    We,
    /// The phone does.
    They,
}

/// What a phone with ICE is told of a pair of ports, as SDP has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ice {
    /// `a=ice-ufrag`
    pub ufrag: String,
    /// `a=ice-pwd`
    pub pwd: String,
    /// `a=candidate`
    pub candidate: String,
}

/// The keys of one stream toward one phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// Opens what the phone sends.
    pub inbound: MasterKey,
    /// Protects what is sent to it.
    pub outbound: MasterKey,
}

/// What the exchange plays to a caller whom it serves itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Sound {
    /// Everything that arrives, sent back.
    Echo,
    /// This prompt once, then [`MediaEvent::PromptDone`].
    Prompt(audio::Prompt),
    /// What is said in a room of this name, which begins with its first participant and ends with its last.
    Room(Arc<str>),
    /// Nothing; digits are still heard.
    Silence,
}

/// What a participant asks of the room.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// To be heard no longer, or again.
    Mute,
    /// That nobody else comes in, or that they may again.
    Lock,
}

/// A conference's room at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomState {
    /// Nobody else may come in.
    pub locked: bool,
    /// Who is in it.
    pub participants: Vec<Participant>,
}

/// One phone in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Participant {
    /// Its ports.
    pub id: MediaId,
    /// Nobody hears it.
    pub muted: bool,
    /// It is among those who are heard, or pauses.
    pub speaking: bool,
}

/// What an operator asks of a room.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// These are heard no longer.
    Mute(Whom),
    /// They are heard again.
    Unmute(Whom),
    /// Nobody else comes in.
    Lock,
    /// Others may come in.
    Unlock,
    /// What is announced to anybody ends, and so does what waits to be.
    Hush,
    /// These hear a sound, over what is said.
    Announce(Whom, audio::Prompt),
}

/// Some of those who are in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// All of them; of an announcement also those who come while it sounds.
    All,
    /// The phones at these ports.
    These(Vec<MediaId>),
}

/// What becomes of the recording of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tape {
    /// It begins.
    Begin(TapeFacts),
    /// It takes no sound for a while.
    Pause,
    /// It takes sound again.
    Resume,
}

/// What is known of a recorded call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TapeFacts {
    /// The caller's Call-ID.
    pub call_id: String,
    /// Who called: user@domain.
    pub caller: String,
    /// Who was called.
    pub callee: String,
}

/// What happened on a pair of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaEvent {
    /// A phone that should send has sent nothing for the configured time.
    Silent,
    /// The prompt has been played to its end.
    PromptDone,
    /// A key was pressed: 0-9, *, #, A-D.
    Dtmf(char),
    /// It was held for so long, and who is at the other end takes keys in INFO requests only.
    Struck(char, Duration),
}

/// What one pair of ports saw in its life.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LegStats {
    /// RTP packets from the phone.
    pub received: u64,
    /// Their bytes, headers of RTP included.
    pub bytes: u64,
    /// RTP packets to the phone.
    pub sent: u64,
    /// RTP packets that the sequence numbers tell of.
    pub expected: u64,
    /// Expected and never seen (RFC 3550 A.3).
    pub lost: u64,
    /// Seen later than their followers.
    pub reordered: u64,
    /// Seen twice.
    pub duplicates: u64,
    /// Times without any packet while the phone should have sent.
    pub gaps: u64,
    /// Packets from an address that was not the phone's; dropped.
    pub foreign: u64,
    /// Packets that did not open with the agreed key, or a second time; dropped.
    pub refused: u64,
    /// Sound made up in the place of what was lost or late, where the sound was looked into.
    pub concealed: Duration,
    /// Interarrival jitter (RFC 3550 A.8) at the end.
    pub jitter: Duration,
    /// What the phone speaks; `None`: nothing was heard, or it is no speech.
    pub codec: Option<Codec>,
    /// From here to the phone and back, by the RTCP that passes (RFC 3550 §6.4.1).
    pub round_trip: Option<Duration>,
    /// What the phone says of the packets that were sent to it.
    pub told: Option<Told>,
    /// Its extended reports on the same (RFC 3611 §4.7).
    pub metrics: Option<VoipMetrics>,
}
