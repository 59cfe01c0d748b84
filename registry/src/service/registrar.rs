//! The `Registrar` service: many questions at once on one stream, each answered as soon as it can be.

use proto::registrar::{Registrar, Unavailable};
use proto::wire::{
    LocateResponse, RegisterResponse, RegistrarAnswer, RegistrarQuestion, registrar_answer::Answer,
    registrar_question::Question, registrar_server,
};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// Passes questions on to this process's bindings.
pub struct RegistrarService {
    /// Where they live.
    pub registrar: Arc<dyn Registrar>,
}

#[tonic::async_trait]
impl registrar_server::Registrar for RegistrarService {
    type ExchangeStream = UnboundedReceiverStream<Result<RegistrarAnswer, Status>>;

    async fn exchange(
        &self,
        request: Request<Streaming<RegistrarQuestion>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        let mut questions = request.into_inner();
        // Unbounded only in name: there is one answer a question, and the asker bounds the questions it has open.
        let (answers, stream) = mpsc::unbounded_channel();
        let registrar = self.registrar.clone();
        tokio::spawn(async move {
            while let Ok(Some(RegistrarQuestion { id, question })) = questions.message().await {
                if answers.is_closed() {
                    return;
                }
                let answers = answers.clone();
                let answer = move |answer| {
                    // Who asked may be gone; there is nobody else to tell.
                    let _ = answers.send(Ok(RegistrarAnswer { id, answer }));
                };
                match question {
                    Some(Question::Register(request)) => registrar.register(
                        request,
                        Box::new(move |response| answer(Some(Answer::Register(response.unwrap_or_else(no_store))))),
                    ),
                    Some(Question::Locate(request)) => registrar.locate(
                        request,
                        Box::new(move |response: Result<LocateResponse, Unavailable>| {
                            // No answer inside the answer: the asker tries the next registry.
                            answer(response.ok().map(Answer::Locate));
                        }),
                    ),
                    None => answer(None),
                }
            }
        });
        Ok(Response::new(UnboundedReceiverStream::new(stream)))
    }
}

/// The store does not answer: 503 and nothing changed.
fn no_store(_: Unavailable) -> RegisterResponse {
    RegisterResponse { status: 503, ..RegisterResponse::default() }
}
