//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// A telephone exchange for organisations with several sites.
#[derive(Parser, Debug)]
#[command(name = "tandem", version, about, disable_help_subcommand = true)]
pub struct Arguments {
    /// What to do; without one, every role runs in this process.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Roles to run and commands to give.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run every role in this process, on the embedded store or etcd.
    All(Role),
    /// Run a proxy: the sockets toward phones, browsers and carriers.
    Proxy(Role),
    /// Run a registry: users, bindings, directory, membership.
    Registry(Role),
    /// Run a media node: calls and their RTP.
    Media(Role),
    /// Replace the directory by what these files say, in one transaction.
    Apply(Apply),
    /// Show users, bindings, calls, members or the directory.
    Get(Get),
    /// Bring in many users at once from a CSV file.
    #[command(subcommand)]
    Import(Import),
    /// Validate configurations and directories without a running exchange, and say what they would do.
    Check(Check),
    /// Say which rule decides what happens when CALLER dials NUMBER.
    Explain(Explain),
    /// List the recordings in the object store, and say of each whether it is whole.
    Recordings(Recordings),
}

impl Default for Command {
    fn default() -> Command {
        Command::All(Role::default())
    }
}

/// How a role is started.
#[derive(Args, Debug, Default)]
pub struct Role {
    /// The configuration file; without one, the defaults hold.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The folder of the embedded store, in place of the configured one.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// Which exchange a command speaks to.
#[derive(Args, Debug)]
pub struct Target {
    /// The configuration of a process of the exchange: its registry is asked.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A registry's gRPC address, in place of the configured one.
    #[arg(long, value_name = "ADDRESS")]
    pub registry: Option<String>,
    /// Print JSON for programs.
    #[arg(long)]
    pub json: bool,
}

/// `tandem apply`
#[derive(Args, Debug)]
pub struct Apply {
    /// Directory files.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Only print the difference.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub target: Target,
}

/// `tandem get`
#[derive(Args, Debug)]
pub struct Get {
    /// What to show.
    pub kind: Kind,
    /// Only this domain's.
    #[arg(long)]
    pub domain: Option<String>,
    /// With `bindings`: only this user's (`user@domain`).
    #[arg(long)]
    pub user: Option<String>,
    /// With `calls`: how each side of each call sounds.
    #[arg(long)]
    pub quality: bool,
    #[command(flatten)]
    pub target: Target,
}

/// What `tandem get` can show.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The directory's users.
    Users,
    /// Who is registered where.
    Bindings,
    /// The calls that are up or ringing.
    Calls,
    /// The processes of the cluster.
    Members,
    /// Everything the directory holds but users.
    Directory,
}

/// `tandem import`
#[derive(Subcommand, Debug)]
pub enum Import {
    /// Users from a CSV file with the header `name,password,extension,caller_id`.
    Users(ImportUsers),
}

/// `tandem import users`
#[derive(Args, Debug)]
pub struct ImportUsers {
    /// The CSV file.
    #[arg(value_name = "FILE.csv")]
    pub file: PathBuf,
    /// The domain that the users belong to.
    #[arg(long)]
    pub domain: String,
    /// Their class; without it, the domain's default.
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    #[command(flatten)]
    pub target: Target,
}

/// `tandem check`
#[derive(Args, Debug)]
pub struct Check {
    /// Node configurations and directory files, in any order.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print JSON for programs.
    #[arg(long)]
    pub json: bool,
}

/// `tandem explain`
#[derive(Args, Debug)]
pub struct Explain {
    /// Who calls: `alice` or `alice@tandem.local`.
    pub caller: String,
    /// What is dialled.
    pub number: String,
    #[command(flatten)]
    pub target: Target,
}

/// `tandem recordings`
#[derive(Args, Debug)]
pub struct Recordings {
    /// Only those of this day (`2026/11/21`) or this one (`2026/11/21/4a0b...`).
    #[arg(value_name = "DAY")]
    pub day: Option<String>,
    /// The configuration of a media node, which names the object store.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The folder of the embedded store, as the role was started with.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Print JSON for programs.
    #[arg(long)]
    pub json: bool,
}
