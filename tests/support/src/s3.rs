//! A real server that speaks S3 and keeps its buckets in a folder, so that they outlive its death.

use crate::{Member, Scratch, own_address, require, wait_for};
use std::net::{IpAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

/// The server, which ends with this value.
pub struct S3 {
    /// The process.
    pub member: Member,
    address: IpAddr,
    _scratch: Scratch,
}

impl S3 {
    /// Starts it with one empty bucket and waits until it answers.
    #[track_caller]
    pub fn start(bucket: &str) -> S3 {
        let install = "cargo install s3s-fs --version 0.14.1 --locked --features binary";
        let program = require("s3s-fs", install);
        let (scratch, address) = (Scratch::new(), own_address());
        std::fs::create_dir(scratch.path().join(bucket)).expect("the temporary folder is writable");
        let mut command = Command::new(program);
        command.args(["--host", &address.to_string(), "--port", "9000", "--access-key", KEY, "--secret-key", SECRET]);
        command.arg(scratch.path());
        let s3 = S3 { member: Member::start("s3s-fs", address, command), address, _scratch: scratch };
        s3.wait_until_up();
        s3
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        self.member.kill();
    }

    /// Starts it again on the same buckets and waits until it answers.
    #[track_caller]
    pub fn restart(&mut self) {
        self.member.restart();
        self.wait_until_up();
    }

    /// The environment of its clients.
    pub fn variables(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", format!("http://{}:9000", self.address)),
            ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
            ("AWS_REGION", "eu-west-3".to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }

    #[track_caller]
    fn wait_until_up(&self) {
        wait_for("s3s-fs to listen", Duration::from_secs(10), || TcpStream::connect((self.address, 9000)).ok());
    }
}

const KEY: &str = "tandem-test";
const SECRET: &str = "tandem-test-secret";
