//! SIPp runs one scenario of `tests/e2e/sipp` as one phone.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use support::{Exchange, Program, Scratch, own_address, require};

/// A phone that SIPp plays: a user with a password at an address of its own.
pub struct Phone {
    user: &'static str,
    password: &'static str,
    address: IpAddr,
    transport: &'static str,
    scratch: Scratch,
}

impl Phone {
    /// A phone of this user of the demo directory, over UDP.
    pub fn of(user: &'static str, password: &'static str) -> Phone {
        Phone { user, password, address: own_address(), transport: "u1", scratch: Scratch::new() }
    }

    /// The same over TCP.
    pub fn over_tcp(self) -> Phone {
        Phone { transport: "t1", ..self }
    }

    /// Starts a scenario; `called` is the number that calling scenarios dial.
    #[track_caller]
    pub fn start(&self, exchange: &Exchange, scenario: &str, called: &str) -> Program {
        let mut command = self.command(exchange, scenario, called);
        command.args(["-m", "1", "-timeout", "40s", "-trace_msg", "-message_file", "messages.log"]);
        Program::start(&format!("sipp {scenario}"), &mut command)
    }

    /// Starts a scenario that is played so many times, so many of them a second.
    #[track_caller]
    pub fn start_many(&self, exchange: &Exchange, scenario: &str, called: &str, calls: u32, rate: u32) -> Program {
        let mut command = self.command(exchange, scenario, called);
        command.args(["-m", &calls.to_string(), "-r", &rate.to_string(), "-rtp_echo"]);
        Program::start(&format!("sipp {scenario}"), &mut command)
    }

    /// Starts a scenario that answers every call until the value is dropped; media that comes goes back.
    #[track_caller]
    pub fn answer_all(&self, exchange: &Exchange, scenario: &str) -> Program {
        let mut command = self.command(exchange, scenario, "-");
        command.arg("-rtp_echo");
        Program::start(&format!("sipp {scenario}"), &mut command)
    }

    fn command(&self, exchange: &Exchange, scenario: &str, called: &str) -> Command {
        let sipp = require("sipp", "apt-get install sip-tester");
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/sipp"));
        let credentials = self.scratch.write(
            "user.csv",
            format!(
                "SEQUENTIAL\n{user};[authentication username={user} password={password}]\n",
                user = self.user,
                password = self.password
            ),
        );
        // SIPp signs for the address it sends to unless told the request URI, which is what RFC 7616 wants signed.
        let signed = match called {
            "-" => "tandem.local".to_owned(),
            called => format!("{called}@tandem.local"),
        };
        let mut command = Command::new(sipp);
        command
            .args(["-auth_uri", &signed])
            .arg(format!("{}:5060", exchange.address))
            .args(["-nostdin", "-timeout_error", "-t", self.transport])
            .args(["-key", "domain", "tandem.local", "-s", called])
            .args(["-i", &self.address.to_string(), "-p", "5060", "-mp", "7000"])
            .arg("-inf")
            .arg(&credentials)
            .arg("-sf")
            .arg(folder.join(format!("{scenario}.xml")))
            .args(["-trace_err", "-error_file", "errors.log"])
            .current_dir(self.scratch.path());
        command
    }

    /// Runs a scenario to its end; the test fails unless it succeeds.
    #[track_caller]
    pub fn run(&self, exchange: &Exchange, scenario: &str, called: &str) {
        let program = self.start(exchange, scenario, called);
        self.finish(program, scenario);
    }

    /// Every message that the last scenario sent and received.
    pub fn messages(&self) -> String {
        std::fs::read_to_string(self.scratch.path().join("messages.log")).unwrap_or_default()
    }

    /// Waits for the end of a started scenario; the test fails unless it succeeds.
    #[track_caller]
    pub fn finish(&self, program: Program, scenario: &str) {
        self.finish_within(Duration::from_secs(60), program, scenario);
    }

    /// The same for one that takes up to `limit`.
    #[track_caller]
    pub fn finish_within(&self, limit: Duration, mut program: Program, scenario: &str) {
        let status = program.wait(limit);
        if status != 0 {
            let errors = std::fs::read_to_string(self.scratch.path().join("errors.log")).unwrap_or_default();
            panic!("sipp {scenario} ended with {status}\n{errors}\n{}", self.messages());
        }
    }
}
