//! `tandem explain CALLER NUMBER`: which rule decides what, step by step.

use super::{ask, refused};
use crate::arguments::Explain;
use crate::exit::Failure;
use proto::wire::{ExplainRequest, directory_client::DirectoryClient};

/// Runs the command.
pub fn run(arguments: &Explain) -> Result<(), Failure> {
    let request = ExplainRequest { caller: arguments.caller.clone(), number: arguments.number.clone() };
    let answer = ask(&arguments.target, |channel| async {
        DirectoryClient::new(channel)
            .max_decoding_message_size(usize::MAX)
            .explain(request)
            .await
            .map(|answer| answer.into_inner())
            .map_err(refused)
    })?;
    if arguments.target.json {
        println!("{}", serde_json::json!({ "steps": answer.steps, "target": answer.target }));
    } else {
        for (i, step) in answer.steps.iter().enumerate() {
            println!("{:>2}. {step}", i + 1);
        }
    }
    Ok(())
}
