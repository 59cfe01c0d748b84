//! A running exchange: the real binary on loopback addresses of its own.

use crate::{Program, S3, Scratch, http_get, own_address, wait_for};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// One `tandem all` with its own address, store and demo directory.
pub struct Exchange {
    /// The process.
    pub program: Program,
    /// The address that phones use, with the usual ports (5060 UDP and TCP, 5061 TLS, 5066 WS, 5067 WSS).
    pub address: IpAddr,
    /// Its configuration file.
    pub config: PathBuf,
    binary: PathBuf,
    scratch: Scratch,
    /// Of its commands too.
    variables: Vec<(String, String)>,
}

impl Exchange {
    /// Starts it and waits until it is ready; `more` is added to its configuration (whole TOML tables are merged by key).
    #[track_caller]
    pub fn start(binary: &str) -> Exchange {
        Exchange::with(binary, "", "")
    }

    /// The same where a limit on the size of files, which stands for a full disk, does not kill the process.
    #[track_caller]
    pub fn start_unstopped_by_full_disks(binary: &str) -> Exchange {
        Exchange::run(binary, "", "", |binary, config| {
            let script = r#"trap "" XFSZ; exec "$0" all --config "$1""#;
            Program::start("tandem", Command::new("sh").arg("-c").arg(script).arg(binary).arg(config))
        })
    }

    /// The same with its objects in a bucket of a server that speaks S3, in segments of 1 s.
    #[track_caller]
    pub fn with_bucket(binary: &str, s3: &S3, bucket: &str) -> Exchange {
        let media = format!("objects = \"s3://{bucket}/tandem\"\nrecording.segment = \"1s\"");
        Exchange::run(binary, "", &media, |binary, config| {
            let mut command = Command::new(binary);
            command.arg("all").arg("--config").arg(config).envs(s3.variables());
            Program::start("tandem", &mut command)
        })
        .with_variables(s3.variables())
    }

    fn with_variables(self, variables: Vec<(String, String)>) -> Exchange {
        Exchange { variables, ..self }
    }

    /// The same, with more lines for `[proxy]` and `[media]`.
    #[track_caller]
    pub fn with(binary: &str, proxy: &str, media: &str) -> Exchange {
        Exchange::run(binary, proxy, media, run)
    }

    /// The same at this address of this machine.
    #[track_caller]
    pub fn at(binary: &str, address: IpAddr) -> Exchange {
        Exchange::run_at(address, binary, "", "", run)
    }

    #[track_caller]
    fn run(binary: &str, proxy: &str, media: &str, run: impl FnOnce(&Path, &Path) -> Program) -> Exchange {
        Exchange::run_at(own_address(), binary, proxy, media, run)
    }

    #[track_caller]
    fn run_at(
        address: IpAddr,
        binary: &str,
        proxy: &str,
        media: &str,
        run: impl FnOnce(&Path, &Path) -> Program,
    ) -> Exchange {
        let scratch = Scratch::new();
        let data = scratch.path().join("data");
        let objects = match media.contains("objects = ") {
            true => String::new(),
            false => format!("objects = \"file:{}/objects\"", data.display()),
        };
        let config = scratch.write(
            "tandem.toml",
            format!(
                r#"name = "test"
[proxy]
listen = ["udp://{address}:5060", "tcp://{address}:5060", "tls://{address}:5061", "ws://{address}:5066", "wss://{address}:5067"]
inside = "{address}:5080"
{proxy}
[registry]
listen = "{address}:7400"
store = "embedded:{data}"
[media]
inside = "{address}:5090"
{objects}
recording.spool = "{data}/spool"
{media}
[console]
listen = "{address}:8080"
"#,
                data = data.display()
            ),
        );
        let program = run(Path::new(binary), &config);
        let exchange = Exchange { program, address, config, binary: binary.into(), scratch, variables: Vec::new() };
        exchange.wait_until_ready();
        exchange
    }

    /// The same with a demo directory whose domain offers MD5 only: what Debian's SIPp 3.6 and baresip 1.0 can answer. They give up on
    /// a challenge that they do not know, where RFC 8760 wants the next one tried.
    #[track_caller]
    pub fn with_md5(binary: &str) -> Exchange {
        Exchange::with_md5_and(binary, |directory| directory)
    }

    /// The same with a directory that is changed further.
    #[track_caller]
    pub fn with_md5_and(binary: &str, change: impl FnOnce(String) -> String) -> Exchange {
        Exchange::start(binary).offering_md5(change)
    }

    /// A started one with such a directory.
    #[track_caller]
    pub fn offering_md5(self, change: impl FnOnce(String) -> String) -> Exchange {
        let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/examples/directory.toml");
        let demo = std::fs::read_to_string(demo).expect("the example is there");
        let md5 = demo.replace(r#"["SHA-256", "MD5"]"#, r#"["MD5"]"#);
        assert_ne!(md5, demo, "the demo offers both algorithms");
        let file = self.scratch().write("md5.toml", change(md5));
        let (status, said) = self.tandem(&["apply", &file.to_string_lossy()]);
        assert_eq!(status, 0, "{said}");
        self
    }

    /// Kills the process as a crash would and starts it again on the same store.
    #[track_caller]
    pub fn crash_and_restart(&mut self) {
        self.program.kill();
        self.program = run(&self.binary, &self.config);
        self.wait_until_ready();
    }

    /// Runs an administration command and gives its exit status and what it printed.
    pub fn tandem(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(&self.binary)
            .args(arguments)
            .arg("--config")
            .arg(&self.config)
            .envs(self.variables.clone())
            .output()
            .expect("the binary under test runs");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
    }

    /// One metric summed over its labels, 0 where it does not exist.
    pub fn metric(&self, name: &str) -> f64 {
        let text = http_get(&format!("{}:8080", self.address), "/metrics").unwrap_or_default();
        text.lines()
            .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// A folder for the test's own files.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    #[track_caller]
    fn wait_until_ready(&self) {
        let console = format!("{}:8080", self.address);
        wait_for("the exchange to be ready", Duration::from_secs(20), || http_get(&console, "/ready"));
    }
}

fn run(binary: &Path, config: &Path) -> Program {
    Program::start("tandem", Command::new(binary).arg("all").arg("--config").arg(config))
}
