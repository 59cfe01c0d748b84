//! The command line.

use clap::builder::NonEmptyStringValueParser;
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
    /// Show users, bindings, calls, rooms, members or the directory.
    Get(Get),
    /// Bring in many users at once from a CSV file.
    #[command(subcommand)]
    Import(Import),
    /// Validate configurations and directories without a running exchange, and say what they would do.
    Check(Check),
    /// Say which rule decides what happens when CALLER dials NUMBER.
    Explain(Explain),
    /// Speak to those in a conference, mute, lock and remove, from outside.
    #[command(visible_alias = "conference")]
    Room(Room),
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
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// A registry's gRPC address, in place of the configured one.
    #[arg(long, value_name = "ADDRESS", global = true)]
    pub registry: Option<String>,
    /// Print JSON for programs.
    #[arg(long, global = true)]
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
    /// The conferences that somebody is in, and who.
    Rooms,
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

/// `tandem room`
#[derive(Args, Debug)]
pub struct Room {
    /// The conference, by its name or number.
    pub room: String,
    /// What to do in it.
    #[command(subcommand)]
    pub order: RoomOrder,
    #[command(flatten)]
    pub target: Target,
}

/// What an operator can do in a room.
///
/// A participant is named as `get rooms` shows it: by user (`bob`, `bob@tandem.local`), which means each phone of that user, or by the id
/// of one call.
#[derive(Subcommand, Debug)]
pub enum RoomOrder {
    /// Have a text spoken.
    Say {
        /// What is said.
        text: String,
        /// To this participant alone; without it, to all.
        #[arg(long, value_name = "PARTICIPANT", value_parser = NonEmptyStringValueParser::new())]
        to: Option<String>,
        /// The language of the text; by default the region's.
        #[arg(long)]
        language: Option<String>,
    },
    /// Play a prompt: a file of the prompts, or `builtin:chime`.
    Play {
        /// Its name, with or without its extension.
        prompt: String,
        /// To this participant alone; without it, to all.
        #[arg(long, value_name = "PARTICIPANT", value_parser = NonEmptyStringValueParser::new())]
        to: Option<String>,
    },
    /// End what is announced to anybody, and forget what waits to be.
    Stop,
    /// Keep somebody from being heard, until `unmute` or the participant's own *1.
    Mute(RoomWhom),
    /// Let somebody be heard again.
    Unmute(RoomWhom),
    /// Hang up on a participant.
    #[command(visible_alias = "kick")]
    Remove(RoomWhom),
    /// Let nobody else in, until `unlock` or a participant's *2.
    Lock,
    /// Let others in again.
    Unlock,
}

/// One participant, or all.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct RoomWhom {
    /// Whom.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub participant: Option<String>,
    /// Everybody who is in the room now.
    #[arg(long)]
    pub all: bool,
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
