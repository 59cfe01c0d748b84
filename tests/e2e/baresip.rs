//! baresip as a telephone: it registers, plays a tone as its voice, and records what it hears.

use crate::audio::{read_wav, share_of, tone};
use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use support::{Elsewhere, Exchange, Program, Scratch, own_address, require, wait_for};

/// What a telephone is set up with.
pub struct Setup {
    /// User of the demo directory; the password is `USER-demo`.
    pub user: &'static str,
    /// `udp`, `tcp` or `tls`.
    pub transport: &'static str,
    /// Frequency of its voice in Hz.
    pub voice: u32,
    /// How it encrypts.
    pub encryption: Encryption,
    /// Its codecs, as baresip names them: `PCMA`, `opus`, with commas between.
    pub codecs: &'static str,
}

/// baresip's ways of encrypting what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// It does not.
    None,
    /// Where the other side can: keys in a stream of the plain profile (SDES).
    Offered,
    /// Always: RTP/SAVP with keys (SDES).
    Mandatory,
}

impl Encryption {
    fn account(self) -> &'static str {
        match self {
            Encryption::None => "",
            Encryption::Offered => ";mediaenc=srtp",
            Encryption::Mandatory => ";mediaenc=srtp-mand",
        }
    }
}

/// A running baresip.
pub struct Telephone {
    program: Program,
    address: IpAddr,
    scratch: Scratch,
}

#[track_caller]
fn baresip() -> PathBuf {
    require("baresip", "apt-get install baresip-core")
}

impl Telephone {
    /// Starts it and waits until it is registered. Incoming calls are answered at once.
    #[track_caller]
    pub fn start(exchange: &Exchange, setup: &Setup) -> Telephone {
        Telephone::run(exchange, setup, own_address(), Command::new(baresip()))
    }

    /// The same on another machine.
    #[track_caller]
    pub fn start_elsewhere(exchange: &Exchange, setup: &Setup, elsewhere: &Elsewhere) -> Telephone {
        let mut command = elsewhere.command();
        command.arg(baresip());
        Telephone::run(exchange, setup, elsewhere.there.into(), command)
    }

    #[track_caller]
    fn run(exchange: &Exchange, setup: &Setup, address: IpAddr, mut command: Command) -> Telephone {
        let scratch = Scratch::new();
        let Setup { user, transport, voice, encryption, codecs } = setup;
        let port = if *transport == "tls" { 5061 } else { 5060 };
        scratch.write(
            "accounts",
            format!(
                "<sip:{user}@tandem.local;transport={transport}>;auth_user={user};auth_pass={user}-demo;\
                 outbound=\"sip:{exchange}:{port};transport={transport}\";regint=600;answermode=auto;audio_codecs={codecs}{encryption}\n",
                exchange = exchange.address,
                encryption = encryption.account()
            ),
        );
        scratch.write("contacts", "");
        let voice = scratch.write("voice.wav", tone(f64::from(*voice), Duration::from_secs(60)));
        scratch.write(
            "config",
            format!(
                "sip_listen {address}:5060\nnet_interface {address}\nsip_verify_server no\nmodule_path /usr/lib/baresip/modules\n\
                 module g711.so\nmodule g722.so\nmodule gsm.so\nmodule l16.so\nmodule opus.so\nmodule srtp.so\nmodule aufile.so\nmodule sndfile.so\nmodule_app account.so\nmodule_app menu.so\n\
                 module_app ctrl_tcp.so\nctrl_tcp_listen {address}:4444\nsnd_path {folder}\n\
                 audio_source aufile,{voice}\nausrc_srate 8000\nausrc_channels 1\nopus_bitrate 28000\nring_aufile none\nringback_aufile none\n\
                 rtp_ports 10000-10100\nrtp_timeout 0\n",
                folder = scratch.path().display(),
                voice = voice.display()
            ),
        );
        command.arg("-f").arg(scratch.path()).arg("-v").arg("-s");
        let mut program = Program::start(&format!("baresip {user}"), &mut command);
        program.wait_for_output("200 OK", Duration::from_secs(15));
        Telephone { program, address, scratch }
    }

    /// Gives a command of its menu: `dial`, `hangup`, `hold`, `resume`, `sndcode`.
    #[track_caller]
    pub fn command(&self, command: &str, parameters: &str) {
        let mut control = wait_for("baresip's control port", Duration::from_secs(5), || {
            TcpStream::connect((self.address, 4444)).ok()
        });
        let json = format!(r#"{{"command":"{command}","params":"{parameters}","token":"t"}}"#);
        control.set_read_timeout(Some(Duration::from_secs(2))).expect("a TCP option");
        control.write_all(format!("{}:{json},", json.len()).as_bytes()).expect("baresip reads commands");
        // The answer is only waited for so that the command has been carried out.
        let _ = control.read(&mut [0; 4096]);
    }

    /// Waits until it said `text`.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        self.program.wait_for_output(text, Duration::from_secs(20));
    }

    /// Everything that it said.
    pub fn output(&self) -> String {
        self.program.output()
    }

    /// Ends it, and gives what it heard: samples and rate of each recording.
    #[track_caller]
    pub fn heard(mut self) -> Vec<(Vec<f64>, f64)> {
        self.command("quit", "");
        wait_for("the end of baresip", Duration::from_secs(5), || (!self.program.is_running()).then_some(()));
        let folder = std::fs::read_dir(self.scratch.path()).expect("the scratch folder is there");
        let recordings = folder.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| {
            // The recorder writes what it says to a file of its own, with "enc" in its name.
            path.extension().is_some_and(|e| e == "wav") && path.to_string_lossy().contains("-dec")
        });
        recordings.filter_map(|path| read_wav(&path)).collect()
    }

    /// Ends it; one of its recordings must hold this tone, in Hz.
    #[track_caller]
    pub fn assert_heard(self, voice: u32) {
        let said = self.output();
        let heard = self.heard();
        let best = heard.iter().map(|(samples, rate)| share_of(samples, *rate, f64::from(voice))).fold(0.0, f64::max);
        assert!(best > 0.8, "{voice} Hz has a share of {best} in {} recordings\n{said}", heard.len());
    }
}
