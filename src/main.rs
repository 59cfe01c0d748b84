//! `tandem`: the exchange and its administration, in one binary.

mod admin;
mod arguments;
mod config;
mod console;
mod exit;
mod logging;
mod roles;
mod welcome;

use arguments::{Arguments, Command};
use clap::Parser;
use exit::Failure;

fn main() {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(usage) => {
            let status = if usage.use_stderr() { exit::CONFIGURATION } else { 0 };
            let _ = usage.print();
            std::process::exit(status);
        }
    };
    if let Err(failure) = run(arguments) {
        eprintln!("tandem: {failure}");
        std::process::exit(failure.status());
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command.unwrap_or_default() {
        Command::All(role) => roles::run(roles::Which::All, &role),
        Command::Proxy(role) => roles::run(roles::Which::Proxy, &role),
        Command::Registry(role) => roles::run(roles::Which::Registry, &role),
        Command::Media(role) => roles::run(roles::Which::Media, &role),
        Command::Apply(apply) => admin::apply::run(&apply),
        Command::Get(get) => admin::get::run(&get),
        Command::Import(import) => admin::import::run(&import),
        Command::Check(check) => admin::check::run(&check),
        Command::Explain(explain) => admin::explain::run(&explain),
        Command::Room(room) => admin::room::run(&room),
        Command::Recordings(recordings) => admin::recordings::run(&recordings),
    }
}
