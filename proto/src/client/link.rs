//! One stream of questions and answers to one registry, opened again whenever it breaks.

use super::Options;
use crate::wire::{RegistrarAnswer, RegistrarQuestion, registrar_client::RegistrarClient};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

/// What a link tells its driver.
#[derive(Debug)]
pub enum News {
    /// The stream is open; questions go into this queue.
    Up(mpsc::Sender<RegistrarQuestion>),
    /// An answer came.
    Answer(RegistrarAnswer),
    /// The stream broke; whatever it had been asked is lost.
    Down,
}

/// Keeps the link until the driver is gone.
pub async fn run(options: Options, registry: SocketAddr, news: mpsc::Sender<(SocketAddr, News)>) {
    loop {
        if let Some((questions, mut answers)) = open(&options, registry).await {
            if news.send((registry, News::Up(questions))).await.is_err() {
                return;
            }
            while let Ok(Some(answer)) = answers.message().await {
                if news.send((registry, News::Answer(answer))).await.is_err() {
                    return;
                }
            }
            if news.send((registry, News::Down)).await.is_err() {
                return;
            }
            tracing::warn!(%registry, "the stream to a registry broke");
        }
        tokio::select! {
            () = news.closed() => return,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

async fn open(
    options: &Options,
    registry: SocketAddr,
) -> Option<(mpsc::Sender<RegistrarQuestion>, Streaming<RegistrarAnswer>)> {
    let channel = options.connect(registry).await.ok()?;
    let (questions, queue) = mpsc::channel(IN_FLIGHT);
    let answers = RegistrarClient::new(channel).exchange(ReceiverStream::new(queue)).await.ok()?;
    Some((questions, answers.into_inner()))
}

/// Questions that may wait for the stream of one registry; past that the next registry is asked.
const IN_FLIGHT: usize = 4_096;
const AGAIN: Duration = Duration::from_millis(500);
