//! What the generator is told.
use crate::description::Protection;
use std::net::SocketAddr;

#[derive(Clone, Debug)]
pub struct Opts {
    pub mode: String,
    pub server: SocketAddr,
    pub domain: String,
    pub users: usize,
    pub first: usize,
    pub user_prefix: String,
    pub pass_prefix: String,
    pub conc: usize,
    pub secs: u64,
    pub pids: Vec<i32>,
    pub port: u16,
    pub sdp: bool,
    pub auth: bool,
    pub expires: u32,
    pub calls: usize,
    pub caller_codec: String,
    pub callee_codec: String,
    pub hold_ms: u64,
    pub json: bool,
    pub dial: Option<String>,
    pub bare: Option<u16>,
    pub direct: bool,
    pub protection: Protection,
    pub quiet: bool,
    pub warm: f64,
}

pub fn usage() -> ! {
    eprintln!(
        "siploader MODE --server IP:PORT [--domain D] [--users N] [--first N] [--user-prefix u] [--pass-prefix pw-] [--conc N] [--secs S]
  [--pids P,P] [--port BASE] [--no-sdp] [--no-auth] [--expires S] [--calls N] [--codecs A:B] [--hold-ms MS] [--dial USER] [--bare PORT] [--direct]
  [--srtp none|sdes|dtls] [--quiet] [--warm S]
MODE register: closed loop of challenged REGISTERs over N users
     call:     registers the callees, then a closed loop of INVITE/180/200/ACK/BYE/200 (caller uN+users .. callee uN)
     options:  closed loop of OPTIONS to the server itself
     rtp:      sets up --calls calls, then sends 50 pps both ways for --secs, with speech in the
               codecs (pcmu, pcma, g722, opus) of callers and callees, and checks what comes back
               (--dial: all callers call that number, a prompt or a room, and what it says is due;
               --srtp: the callers' streams are protected; --quiet: legs send once a second;
               --warm: seconds before counting; --bare: no calls, but the ports of `bare` from PORT on;
               --direct: no calls and no server, the legs send to each other)
     sound:    writes --secs of that speech as the WAV file that --dial names"
    );
    std::process::exit(2)
}

pub fn parse_opts() -> Opts {
    let mut a = std::env::args().skip(1);
    let mode = a.next().unwrap_or_else(|| usage());
    let mut o = Opts {
        mode,
        server: "127.0.0.1:5060".parse().unwrap(),
        domain: "127.0.0.1".into(),
        users: 1000,
        first: 0,
        user_prefix: "u".into(),
        pass_prefix: "pw-".into(),
        conc: 64,
        secs: 5,
        pids: vec![],
        port: 9060,
        sdp: true,
        auth: true,
        expires: 600,
        calls: 100,
        caller_codec: "pcmu".into(),
        callee_codec: "pcmu".into(),
        hold_ms: 0,
        json: false,
        dial: None,
        bare: None,
        direct: false,
        protection: Protection::None,
        quiet: false,
        warm: 1.5,
    };
    while let Some(k) = a.next() {
        let mut v = || a.next().unwrap_or_else(|| usage());
        match k.as_str() {
            "--server" => o.server = v().parse().expect("server address"),
            "--domain" => o.domain = v(),
            "--users" => o.users = v().parse().unwrap(),
            "--first" => o.first = v().parse().unwrap(),
            "--user-prefix" => o.user_prefix = v(),
            "--pass-prefix" => o.pass_prefix = v(),
            "--conc" => o.conc = v().parse().unwrap(),
            "--secs" => o.secs = v().parse().unwrap(),
            "--pids" => o.pids = v().split(',').filter_map(|p| p.parse().ok()).collect(),
            "--port" => o.port = v().parse().unwrap(),
            "--no-sdp" => o.sdp = false,
            "--no-auth" => o.auth = false,
            "--expires" => o.expires = v().parse().unwrap(),
            "--calls" => o.calls = v().parse().unwrap(),
            "--codecs" => {
                let s = v();
                let (x, y) = s.split_once(':').unwrap_or((&s, &s));
                o.caller_codec = x.into();
                o.callee_codec = y.into();
            }
            "--hold-ms" => o.hold_ms = v().parse().unwrap(),
            "--json" => o.json = true,
            "--dial" => o.dial = Some(v()),
            "--bare" => o.bare = Some(v().parse().unwrap()),
            "--direct" => o.direct = true,
            "--srtp" => o.protection = Protection::named(&v()).unwrap_or_else(|| usage()),
            "--quiet" => o.quiet = true,
            "--warm" => o.warm = v().parse().unwrap(),
            _ => usage(),
        }
    }
    o
}
