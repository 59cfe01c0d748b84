//! `tandem get`: tables of what the exchange knows now.

mod quality;
mod rooms;

use super::{ask, refused, table};
use crate::arguments::{Get, Kind};
use crate::exit::Failure;
use proto::wire::{self, cluster_client::ClusterClient, directory_client::DirectoryClient};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use tonic::transport::Channel;

/// Runs the command.
pub fn run(arguments: &Get) -> Result<(), Failure> {
    let domain = arguments.domain.clone().unwrap_or_default();
    let rows = ask(&arguments.target, |channel| async {
        match arguments.kind {
            Kind::Users => users(channel, domain).await,
            Kind::Bindings => bindings(channel, domain, arguments.user.clone().unwrap_or_default()).await,
            Kind::Calls => calls(channel, arguments).await,
            Kind::Rooms => rooms::rooms(channel).await,
            Kind::Members => members(channel).await,
            Kind::Directory => directory(channel, domain).await.map(|value| vec![value]),
        }
    })?;
    let columns: &[&str] = match arguments.kind {
        Kind::Users => &["name", "domain", "extension", "caller_id", "class", "site"],
        Kind::Bindings => &["aor", "contact", "transport", "received", "expires_in", "user_agent", "proxy"],
        Kind::Calls if arguments.quality => quality::COLUMNS,
        Kind::Calls => &["caller", "callee", "state", "seconds", "service", "node", "id"],
        Kind::Rooms => rooms::COLUMNS,
        Kind::Members => &["id", "name", "role", "region", "inside", "shards", "load", "generation", "version"],
        Kind::Directory => {
            println!("{:#}", rows[0]);
            return Ok(());
        }
    };
    if arguments.target.json {
        println!("{:#}", Value::Array(rows));
    } else if arguments.kind == Kind::Calls && arguments.quality {
        print!("{}", table::render(columns, &quality::by_side(&rows)));
    } else if arguments.kind == Kind::Rooms {
        print!("{}", table::render(columns, &rooms::by_participant(&rows)));
    } else {
        print!("{}", table::render(columns, &rows));
    }
    Ok(())
}

/// Users come in pages, so that a million of them fit no single message.
async fn users(channel: Channel, domain: String) -> Result<Vec<Value>, Failure> {
    const PAGE: u32 = 5_000;
    let mut client = DirectoryClient::new(channel).max_decoding_message_size(usize::MAX);
    let mut rows: Vec<Value> = Vec::new();
    loop {
        let after = rows.last().map_or(String::new(), |last| {
            format!("{}@{}", last["name"].as_str().unwrap_or_default(), last["domain"].as_str().unwrap_or_default())
        });
        let request = wire::GetRequest { kind: "users".into(), domain: domain.clone(), after, limit: PAGE };
        let page = client.get(request).await.map_err(refused)?.into_inner();
        let page: Vec<Value> =
            serde_json::from_str(&page.json).map_err(|why| Failure::operation("the registry's answer", why))?;
        let last = page.len() < PAGE as usize;
        rows.extend(page);
        if last {
            return Ok(rows);
        }
    }
}

async fn directory(channel: Channel, domain: String) -> Result<Value, Failure> {
    let mut client = DirectoryClient::new(channel).max_decoding_message_size(usize::MAX);
    let request = wire::GetRequest { kind: "directory".into(), domain, after: String::new(), limit: 0 };
    let answer = client.get(request).await.map_err(refused)?.into_inner();
    serde_json::from_str(&answer.json).map_err(|why| Failure::operation("the registry's answer", why))
}

async fn bindings(channel: Channel, domain: String, aor: String) -> Result<Vec<Value>, Failure> {
    let mut stream = ClusterClient::new(channel)
        .bindings(wire::BindingsRequest { aor, domain })
        .await
        .map_err(refused)?
        .into_inner();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut rows = Vec::new();
    while let Some(record) = stream.message().await.map_err(refused)? {
        rows.extend(record.bindings.iter().map(|binding| {
            json!({
                "aor": record.aor,
                "contact": binding.uri,
                "transport": binding.transport,
                "received": binding.received,
                "expires_in": binding.expires_at.saturating_sub(now),
                "user_agent": binding.user_agent,
                "instance": binding.instance,
                "reg_id": binding.reg_id,
                "q": f64::from(binding.q) / 1000.0,
                "path": binding.path,
                "public_gruu": binding.public_gruu,
                "temporary_gruu": binding.temporary_gruu,
                "registered_at": binding.registered_at,
                "proxy": binding.proxy,
            })
        }));
    }
    Ok(rows)
}

async fn calls(channel: Channel, arguments: &Get) -> Result<Vec<Value>, Failure> {
    let mut client = ClusterClient::new(channel).max_decoding_message_size(usize::MAX);
    let answer = client.calls(wire::CallsRequest { forwarded: false }).await.map_err(refused)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    let row = |call: wire::CallReport| {
        let since = if call.answered_at > 0 { call.answered_at } else { call.started_at };
        let mut row = json!({
            "id": call.id,
            "caller": call.caller,
            "callee": call.callee,
            "state": call.state,
            "seconds": now.saturating_sub(since) / 1000,
            "started_at": call.started_at,
            "answered_at": call.answered_at,
            "service": call.service,
            "node": call.node,
        });
        if arguments.quality {
            row["quality"] = json!({
                "caller": call.caller_quality.as_ref().map(quality::of),
                "callee": call.callee_quality.as_ref().map(quality::of),
            });
        }
        row
    };
    Ok(answer.into_inner().calls.into_iter().map(row).collect())
}

async fn members(channel: Channel) -> Result<Vec<Value>, Failure> {
    let answer = ClusterClient::new(channel).members(wire::MembersRequest {}).await.map_err(refused)?;
    let row = |member: wire::Member| {
        let role = match member.role() {
            wire::Role::Proxy => "proxy",
            wire::Role::Registry => "registry",
            wire::Role::Media => "media",
            wire::Role::Unknown => "unknown",
        };
        json!({
            "id": member.id,
            "name": member.name,
            "role": role,
            "region": member.region,
            "inside": member.inside,
            "shards": member.shards,
            "weight": member.weight,
            "load": f64::from(member.load) / 1000.0,
            "generation": member.generation,
            "version": member.version,
            "joined_at": member.joined_at,
        })
    };
    Ok(answer.into_inner().members.into_iter().map(row).collect())
}
