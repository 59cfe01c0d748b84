//! The side that is called.
use super::*;

/// Answers INVITE/BYE/OPTIONS/CANCEL on the callee side; keeps what an answered INVITE's SDP said for the RTP mode.
pub struct Uas {
    pub batch: Batch,
    pub codec: String,
    pub rtp_base: u16,
    pub sdp: bool,
    pub next_leg: usize,
    /// call-id -> (leg number, offered SDP)
    pub legs: HashMap<String, (usize, String)>,
    pending: HashMap<String, (Vec<u8>, SocketAddr, Instant, u32)>,
    pub invites: u64,
}
impl Uas {
    fn respond(&mut self, msg: &str, code: u16, reason: &str, extra: &str, body: &str, from: SocketAddr) -> Vec<u8> {
        let mut s = format!("SIP/2.0 {code} {reason}\r\n");
        for v in headers(msg, "Via") {
            s += &format!("Via: {v}\r\n");
        }
        for v in headers(msg, "Record-Route") {
            s += &format!("Record-Route: {v}\r\n");
        }
        s += &format!("From: {}\r\n", header(msg, "From").unwrap_or(""));
        let to = header(msg, "To").unwrap_or("");
        if code > 100 && !to.contains(";tag=") {
            s += &format!("To: {to};tag=uas{}\r\n", self.tag(msg));
        } else {
            s += &format!("To: {to}\r\n");
        }
        s += &format!("Call-ID: {}\r\nCSeq: {}\r\n{extra}", header(msg, "Call-ID").unwrap_or(""), header(msg, "CSeq").unwrap_or(""));
        if !body.is_empty() {
            s += "Content-Type: application/sdp\r\n";
        }
        s += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let b = s.into_bytes();
        self.batch.push(&b, from);
        b
    }
    fn tag(&self, msg: &str) -> u32 {
        header(msg, "Call-ID").unwrap_or("").bytes().fold(7u32, |h, b| h.wrapping_mul(31).wrapping_add(b as u32))
    }
    pub fn on(&mut self, msg: &str, from: SocketAddr, me: SocketAddr) {
        let cid = header(msg, "Call-ID").unwrap_or("").to_string();
        if msg.starts_with("INVITE ") {
            self.invites += 1;
            let contact = format!("Contact: <sip:uas@{me}>\r\n");
            if let Some((b, f, _, _)) = self.pending.get(&cid) {
                let (b, f) = (b.clone(), *f);
                self.batch.push(&b, f);
                return;
            }
            let fresh = !self.legs.contains_key(&cid);
            let leg = self.legs.get(&cid).map(|l| l.0).unwrap_or(self.next_leg);
            if fresh {
                self.next_leg += 1;
                self.respond(msg, 180, "Ringing", &contact, "", from);
            }
            let offer = msg.split("\r\n\r\n").nth(1).unwrap_or("").to_string();
            let codec = description::codec_named(&self.codec);
            let number = description::offered(&offer, codec);
            if self.sdp && number.is_none() {
                self.respond(msg, 488, "Not Acceptable Here", "", "", from);
                return;
            }
            let port = self.rtp_base.wrapping_add((leg as u16).wrapping_mul(2));
            let body = number.map_or(String::new(), |number| description::body(port, "RTP/AVP", (codec, number), ""));
            self.legs.insert(cid.clone(), (leg, offer));
            let b = self.respond(msg, 200, "OK", &contact, &body, from);
            self.pending.insert(cid, (b, from, Instant::now() + Duration::from_millis(500), 0));
        } else if msg.starts_with("ACK ") {
            self.pending.remove(&cid);
        } else if msg.starts_with("BYE ") || msg.starts_with("CANCEL ") || msg.starts_with("OPTIONS ") || msg.starts_with("INFO ") || msg.starts_with("UPDATE ") {
            self.pending.remove(&cid);
            self.respond(msg, 200, "OK", "", "", from);
            if msg.starts_with("BYE ") {
                self.legs.remove(&cid);
            }
        }
    }
    pub fn tick(&mut self, now: Instant) {
        let mut dead = vec![];
        for (k, (b, f, at, n)) in self.pending.iter_mut() {
            if *at <= now {
                *n += 1;
                if *n > 7 {
                    dead.push(k.clone());
                    continue;
                }
                *at = now + Duration::from_millis(500 << (*n).min(3));
                self.batch.push(b, *f);
            }
        }
        for k in dead {
            self.pending.remove(&k);
        }
    }
    pub fn new(port: u16, o: &Opts) -> Self {
        Uas { batch: Batch::new(udp(port)), codec: o.callee_codec.clone(), rtp_base: 16000, sdp: o.sdp, next_leg: 0, legs: HashMap::new(), pending: HashMap::new(), invites: 0 }
    }
}
