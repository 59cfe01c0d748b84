//! `tandem check`: what node configurations and directories would do, without a running exchange.

use crate::arguments::Check;
use crate::config::{Config, Store};
use crate::exit::Failure;
use crate::roles::etcd;
use proto::directory::Directory;
use proto::wire::SourceFile;
use serde_json::json;

/// The keys of a node configuration that no directory has; any of them tells one from the other.
const NODE_KEYS: [&str; 9] = ["name", "cluster", "keys", "proxy", "registry", "media", "console", "records", "trace"];

/// Runs the command.
pub fn run(arguments: &Check) -> Result<(), Failure> {
    let mut directories = Vec::new();
    let mut report = Vec::new();
    let mut problems = Vec::new();
    for path in &arguments.files {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Err(why) => problems.push(format!("cannot read {name}: {why}")),
            Ok(text) if is_directory(&text) => directories.push(SourceFile { name, text }),
            Ok(text) => match Config::parse(&name, &text) {
                Ok(config) => match etcd_files(&config) {
                    Ok(()) => report.push((name, node(&config))),
                    Err(error) => problems.push(format!("{name}: {error}")),
                },
                Err(error) => problems.push(error.to_string()),
            },
        }
    }
    if !directories.is_empty() {
        let names = directories.iter().map(|f| f.name.clone()).collect::<Vec<_>>().join(", ");
        match directory(&directories) {
            Ok(lines) => report.push((names, lines)),
            Err(found) => problems.extend(found),
        }
    }
    if arguments.json {
        let files: Vec<_> = report.iter().map(|(file, lines)| json!({ "file": file, "says": lines })).collect();
        println!("{:#}", json!({ "files": files, "problems": problems }));
    } else {
        for (file, lines) in &report {
            println!("{file}: valid");
            for line in lines {
                println!("  {line}");
            }
        }
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Failure::Configuration(problems.join("\n"))),
    }
}

fn is_directory(text: &str) -> bool {
    text.parse::<toml::Table>()
        .is_ok_and(|table| !table.is_empty() && !table.keys().any(|key| NODE_KEYS.contains(&key.as_str())))
}

/// Whether the files that let us into etcd are there and can be used.
fn etcd_files(config: &Config) -> Result<(), Failure> {
    match &config.registry.store {
        Store::Etcd(endpoints) => etcd::read(endpoints, config.registry.etcd.as_ref()).map(drop),
        Store::Embedded(_) => Ok(()),
    }
}

/// What a process with this configuration would do.
fn node(config: &Config) -> Vec<String> {
    let mut lines = vec![format!("{} in cluster {}, region {}", config.name, config.cluster, config.region)];
    let listen = |l: &crate::config::Listen| format!("{}://{}", l.transport.to_string().to_lowercase(), l.address);
    lines.push(format!("phones reach it at {}", config.proxy.listen.iter().map(listen).collect::<Vec<_>>().join(", ")));
    lines.push(match &config.registry.store {
        Store::Embedded(folder) => format!("the registry keeps its data in {}", folder.display()),
        Store::Etcd(members) => {
            let etcd = config.registry.etcd.as_ref();
            let tls = if etcd.is_some_and(|etcd| etcd.ca.is_some()) { " over TLS" } else { "" };
            let user = etcd.and_then(|etcd| etcd.user.as_ref()).map_or(String::new(), |user| format!(" as {user}"));
            format!("the registry keeps its data in etcd at {}{tls}{user}", members.join(", "))
        }
    });
    let ports = config.media.rtp.ports;
    let shards = config.media.shards.count();
    lines.push(format!(
        "{shards} media shards share the UDP ports {}-{}: about {} calls at once",
        ports.first,
        ports.last,
        (usize::from(ports.last - ports.first) + 1) / 4
    ));
    lines.push(format!("console and metrics at http://{}", config.console.listen));
    if let Some(why) = node::why_mute(&config.media.speech.command) {
        lines.push(format!("note: media.speech: {why}; until then `say:` plays a chime here"));
    }
    lines.extend(config.not_yet_in_force().iter().map(|key| format!("not yet in force: {key}")));
    lines
}

/// What applying these files to an empty exchange would do.
fn directory(files: &[SourceFile]) -> Result<Vec<String>, Vec<String>> {
    let change =
        Directory::empty().apply(files).map_err(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let not_yet = change.directory.not_yet_in_force();
    Ok(change.difference.into_iter().chain(not_yet.iter().map(|what| format!("not yet in force: {what}"))).collect())
}
