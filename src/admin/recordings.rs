//! `tandem recordings [DAY]`: what is kept in the object store, and whether it is whole.

use super::table;
use crate::arguments::Recordings;
use crate::config::Config;
use crate::exit::Failure;
use recording::Entry;
use serde_json::{Value, json};
use storage::Objects;

/// Runs the command.
pub fn run(arguments: &Recordings) -> Result<(), Failure> {
    let mut config = match &arguments.config {
        Some(path) => Config::load(path)?,
        None => Config::default(),
    };
    if let Some(folder) = &arguments.data {
        config.media.move_into(folder);
    }
    let objects =
        Objects::open(&config.media.objects.to_string()).map_err(|why| Failure::Configuration(why.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| Failure::operation("start the runtime", why))?;
    let rows = runtime.block_on(look(&objects, arguments.day.as_deref()))?;
    if arguments.json {
        println!("{}", Value::Array(rows));
    } else {
        let columns = ["recording", "caller", "callee", "seconds", "missing_seconds", "state"];
        print!("{}", table::render(&columns, &rows));
    }
    Ok(())
}

async fn look(objects: &Objects, day: Option<&str>) -> Result<Vec<Value>, Failure> {
    let folder = match day {
        Some(day) => format!("recordings/{}", day.trim_matches('/')),
        None => "recordings".to_owned(),
    };
    let keys = objects.list(&folder).await.map_err(|why| Failure::Operation(why.to_string()))?;
    let mut rows = Vec::new();
    // The first entry of each stands for it.
    for recording in keys.iter().filter_map(|key| key.strip_suffix("/000000.json")) {
        rows.push(row(objects, recording).await);
    }
    Ok(rows)
}

async fn row(objects: &Objects, recording: &str) -> Value {
    let first = objects.get(&format!("{recording}/000000.json")).await.ok();
    let first = first.and_then(|entry| Entry::parse(&entry).ok());
    let fact = |name: &str| first.as_ref().and_then(|entry| entry.about.get(name)).cloned().unwrap_or_default();
    let rate = first.as_ref().map_or(1, |entry| entry.rate.hz());
    let seconds = |samples: u64| format!("{:.1}", samples as f64 / f64::from(rate));
    let (samples, missing, state) = match storage::check(objects, recording).await {
        Ok(verified) => {
            let missing = verified.gaps.iter().map(|gap| gap.samples).sum();
            (verified.samples, missing, if verified.ended { "whole".to_owned() } else { "not ended".to_owned() })
        }
        Err(fault) => (0, 0, format!("broken: {fault}")),
    };
    json!({
        "recording": recording,
        "call_id": fact("call_id"),
        "caller": fact("caller"),
        "callee": fact("callee"),
        "seconds": seconds(samples),
        "missing_seconds": seconds(missing),
        "state": state,
    })
}
