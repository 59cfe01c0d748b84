//! The administration commands: each asks a registry and prints a table for people or JSON for programs.

pub mod apply;
pub mod check;
pub mod explain;
pub mod get;
pub mod import;
pub mod recordings;
pub mod room;

mod table;

use crate::arguments::Target;
use crate::config::Config;
use crate::exit::Failure;
use std::future::Future;
use tonic::transport::Channel;

/// Connects to the registry that `target` names and runs `work` with the channel.
fn ask<T, F: Future<Output = Result<T, Failure>>>(
    target: &Target,
    work: impl FnOnce(Channel) -> F,
) -> Result<T, Failure> {
    let config = match &target.config {
        Some(path) => Config::load(path)?,
        None => Config::default(),
    };
    let address = match &target.registry {
        Some(address) => address.clone(),
        None => config.registry.join.first().copied().unwrap_or(config.registry.listen).to_string(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| Failure::operation("start the runtime", why))?;
    runtime.block_on(async {
        let channel = crate::roles::tls::channel(&address, &config).await.map_err(|why| {
            Failure::Operation(format!(
                "no registry answers at {address} ({why}); is the exchange running? name another with --registry ADDRESS or --config FILE"
            ))
        })?;
        work(channel).await
    })
}

/// What the registry's refusal of a call means here.
fn refused(status: tonic::Status) -> Failure {
    let mut text = format!("the registry answers: {}", status.message());
    // What broke the connection is told by the innermost cause only.
    let mut cause = std::error::Error::source(&status);
    while let Some(why) = cause {
        text += &format!(": {why}");
        cause = why.source();
    }
    Failure::Operation(text)
}

/// Prints problems of a directory file, one a line.
fn problems(problems: &[proto::wire::Problem]) -> Failure {
    let lines: Vec<String> = problems
        .iter()
        .map(|p| {
            let place = if p.line > 0 { format!("{}:{}", p.file, p.line) } else { p.file.clone() };
            let key = if p.key.is_empty() { String::new() } else { format!("{}: ", p.key) };
            format!("{place}: {key}{}", p.message)
        })
        .collect();
    Failure::Configuration(format!("nothing was changed\n{}", lines.join("\n")))
}
