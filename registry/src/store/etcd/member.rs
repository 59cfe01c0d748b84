//! The way to one etcd member, found again whenever it is lost.

use super::Options;
use super::failure::{failure, is_stale};
use crate::store::StoreError;
use etcd_client::{Certificate, Client, ConnectOptions, Error, Identity, TlsOptions};
use std::future::Future;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// One member. A user is authenticated at the first call, so that a member that is down then is used once it is back.
pub struct Member {
    endpoint: String,
    options: ConnectOptions,
    /// `None` until the member has answered, and after it has refused our token.
    client: Mutex<Option<Client>>,
}

impl Member {
    /// The members that the options name; nothing is sent yet.
    pub fn all(options: &Options) -> Vec<Member> {
        let connect = connect_options(options);
        let member = |endpoint: &String| Member {
            endpoint: endpoint.clone(),
            options: connect.clone(),
            client: Mutex::default(),
        };
        options.endpoints.iter().map(member).collect()
    }

    /// Runs a call, for as long as `patience`.
    pub async fn call<T, F>(&self, patience: Duration, call: &impl Fn(Client) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let late = |patience: Duration| self.failed(StoreError::Unavailable(format!("no answer in {patience:?}")));
        let client = timeout(AUTHENTICATION, self.client()).await.map_err(|_| late(AUTHENTICATION))??;
        match timeout(patience, call(client)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(why)) if is_stale(&why) => {
                *self.client.lock().await = None;
                Err(StoreError::Unavailable("its users have changed".into()))
            }
            Ok(Err(why)) => Err(self.failed(failure(&why))),
            Err(_) => Err(late(patience)),
        }
    }

    /// An error that says which member it is of.
    fn failed(&self, why: StoreError) -> StoreError {
        match why {
            StoreError::Unavailable(why) => StoreError::Unavailable(format!("{}: {why}", self.endpoint)),
            other => other,
        }
    }

    /// Of many who ask at once one authenticates.
    async fn client(&self) -> Result<Client, StoreError> {
        let mut client = self.client.lock().await;
        if let Some(client) = &*client {
            return Ok(client.clone());
        }
        let connected = Client::connect([&self.endpoint], Some(self.options.clone())).await;
        Ok(client.insert(connected.map_err(|why| self.failed(failure(&why)))?).clone())
    }
}

fn connect_options(options: &Options) -> ConnectOptions {
    let mut connect = ConnectOptions::new()
        .with_connect_timeout(super::ATTEMPT)
        .with_keep_alive(KEEP_ALIVE, KEEP_ALIVE)
        .with_keep_alive_while_idle(true)
        .with_require_leader(true);
    if let Some(tls) = &options.tls {
        connect = connect.with_tls(tls.options());
    }
    if let Some((name, password)) = &options.user {
        connect = connect.with_user(name, password).with_auto_token_refresh(true);
    }
    connect
}

impl super::Tls {
    /// Whether the texts are certificates, and the key that of the certificate.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self) -> Result<(), String> {
        let endpoint = tonic::transport::Endpoint::from_static("https://localhost");
        endpoint.tls_config(self.options()).map(drop).map_err(|why| super::failure::chain(&why))
    }

    fn options(&self) -> TlsOptions {
        let options = TlsOptions::new().ca_certificate(Certificate::from_pem(&self.ca));
        match &self.identity {
            Some((certificate, key)) => options.identity(Identity::from_pem(certificate, key)),
            None => options,
        }
    }
}

const KEEP_ALIVE: Duration = Duration::from_secs(2);
/// etcd hashes a password for some hundred milliseconds, on a busy machine for more.
const AUTHENTICATION: Duration = Duration::from_secs(2);
