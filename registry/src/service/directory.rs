//! The `Directory` service: administration, and the snapshots that members run.

use crate::directory::{Change, DirectoryError, DirectoryOwner};
use crate::members::Members;
use proto::directory::{self, Directory, Problem};
use proto::view::View;
use proto::wire::{
    ApplyRequest, ApplyResponse, DirectoryParts, ExplainRequest, ExplainResponse, GetRequest, GetResponse, ImportRows,
    Part, WatchRequest, directory_server,
};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// Serves one registry's directory.
pub struct DirectoryService {
    /// Reads and changes it.
    pub owner: Arc<DirectoryOwner>,
    /// Knows which members can speak.
    pub members: Arc<Members>,
    /// Holds the snapshot in force.
    pub view: Arc<View>,
}

#[tonic::async_trait]
impl directory_server::Directory for DirectoryService {
    type WatchStream = ReceiverStream<Result<DirectoryParts, Status>>;

    async fn apply(&self, request: Request<ApplyRequest>) -> Result<Response<ApplyResponse>, Status> {
        let ApplyRequest { files, dry_run } = request.into_inner();
        let speech = self.members.speech();
        if dry_run {
            let current = self.view.directory.load_full();
            let planned = blocking(move || current.apply_where(&files, &speech)).await?;
            return Ok(Response::new(match planned {
                Ok(directory::Change { directory, difference }) => {
                    ApplyResponse { generation: directory.generation(), difference, problems: Vec::new() }
                }
                Err(problems) => rejected(problems),
            }));
        }
        self.change(move |directory| directory.apply_where(&files, &speech)).await
    }

    async fn import(&self, request: Request<Streaming<ImportRows>>) -> Result<Response<ApplyResponse>, Status> {
        let mut stream = request.into_inner();
        let (mut domain, mut class, mut rows) = (String::new(), String::new(), Vec::new());
        while let Some(chunk) = stream.message().await? {
            (domain, class) = (chunk.domain, chunk.class);
            rows.extend(chunk.rows);
            if rows.len() > MAX_ROWS {
                return Err(Status::invalid_argument(format!("more than {MAX_ROWS} rows: split the file")));
            }
        }
        self.change(move |directory| {
            let class = (!class.is_empty()).then_some(class.as_str());
            directory.import(&rows, &domain, class)
        })
        .await
    }

    async fn get(&self, request: Request<GetRequest>) -> Result<Response<GetResponse>, Status> {
        let GetRequest { kind, domain, after, limit } = request.into_inner();
        let directory = self.view.directory.load_full();
        let domain = (!domain.is_empty()).then_some(domain);
        let generation = directory.generation();
        let json = blocking(move || match kind.as_str() {
            "users" => {
                let after = (!after.is_empty()).then_some(after.as_str());
                Ok(directory.users_to_json(domain.as_deref(), after, limit as usize))
            }
            "directory" => Ok(directory.to_json()),
            _ => Err(Status::invalid_argument("kind is \"users\" or \"directory\"")),
        })
        .await??;
        Ok(Response::new(GetResponse { json: json.to_string(), generation }))
    }

    async fn explain(&self, request: Request<ExplainRequest>) -> Result<Response<ExplainResponse>, Status> {
        let ExplainRequest { caller, number } = request.into_inner();
        let explanation = self.view.directory.load().explain(&caller, &number);
        let target = explanation.outcome.map(|target| target.to_string()).unwrap_or_default();
        Ok(Response::new(ExplainResponse { steps: explanation.steps, target }))
    }

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let mut generations = self.owner.generations();
        let view = self.view.clone();
        let (parts, stream) = mpsc::channel(4);
        let mut known = request.into_inner().versions;
        tokio::spawn(async move {
            loop {
                generations.borrow_and_update();
                let directory = view.directory.load_full();
                if !send_changes(&directory, &known, &parts).await {
                    return;
                }
                known = directory.versions();
                tokio::select! {
                    changed = generations.changed() => if changed.is_err() { return },
                    () = parts.closed() => return,
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

impl DirectoryService {
    async fn change(
        &self,
        plan: impl Fn(&Directory) -> Result<directory::Change, Vec<Problem>> + Send + Sync + 'static,
    ) -> Result<Response<ApplyResponse>, Status> {
        match self.owner.change(plan).await {
            Ok(Change::Applied { generation, difference }) => {
                Ok(Response::new(ApplyResponse { generation, difference, problems: Vec::new() }))
            }
            Ok(Change::Rejected(problems)) => Ok(Response::new(rejected(problems))),
            Err(why @ DirectoryError::Contended) => Err(Status::aborted(why.to_string())),
            Err(why) => Err(Status::unavailable(why.to_string())),
        }
    }
}

fn rejected(problems: Vec<Problem>) -> ApplyResponse {
    ApplyResponse { problems: problems.into_iter().map(Into::into).collect(), ..ApplyResponse::default() }
}

/// Sends what the member does not have, in messages of some 256 KiB; false when it is gone.
async fn send_changes(directory: &Directory, known: &[u64], to: &mpsc::Sender<Result<DirectoryParts, Status>>) -> bool {
    let generation = directory.generation();
    let mut parts: Vec<Part> = Vec::new();
    let mut bytes = 0;
    // Parts are made one after the other, so that a snapshot of a million users is never in memory twice.
    let mut changed = directory.to_parts(known);
    loop {
        let next = changed.next();
        let complete = next.is_none();
        if let Some(part) = next {
            bytes += part.content.len();
            parts.push(part);
        }
        if complete || bytes > MESSAGE_BYTES {
            let message = DirectoryParts { generation, parts: std::mem::take(&mut parts), complete };
            if to.send(Ok(message)).await.is_err() {
                return false;
            }
            bytes = 0;
        }
        if complete {
            return true;
        }
    }
}

/// Reading or writing a million users takes a while: it must not hold up the streams that share the runtime.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Status> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Status::internal("the work was given up"))
}

/// Rows of one import.
const MAX_ROWS: usize = 2_000_000;
const MESSAGE_BYTES: usize = 256 << 10;
