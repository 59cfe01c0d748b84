use super::*;
use crate::store::Embedded;
use proto::wire::{MembersRequest, Membership, cluster_client::ClusterClient};
use std::net::SocketAddr;
use std::sync::Arc;
use support::Scratch;
use tonic::transport::{Endpoint, Server};

/// A server that wants a certificate, and nothing behind it.
async fn serve(tls: &Tls) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Server::builder().tls_config(tls.server()).unwrap().add_routes(tonic::service::Routes::default());
    tokio::spawn(router.serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener)));
    address
}

/// "Unimplemented" says that the connection was let in.
async fn ask(address: SocketAddr, tls: ClientTlsConfig) -> Result<Membership, tonic::Status> {
    let channel = Endpoint::from_shared(format!("https://{address}")).unwrap().tls_config(tls).unwrap().connect_lazy();
    ClusterClient::new(channel).members(MembersRequest {}).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn members_of_one_cluster_trust_each_other_and_nobody_else() {
    let (scratch, other) = (Scratch::new(), Scratch::new());
    let store: Shared = Arc::new(Embedded::open(scratch.path()).unwrap());
    let (server, member) = (issue(&store).await.unwrap(), issue(&store).await.unwrap());
    assert_eq!(server.ca, member.ca, "one authority");
    assert_ne!(server.key, member.key);
    let address = serve(&server).await;
    assert_eq!(ask(address, member.client()).await.unwrap_err().code(), tonic::Code::Unimplemented);

    let foreign: Shared = Arc::new(Embedded::open(other.path()).unwrap());
    let foreign = issue(&foreign).await.unwrap();
    let with_our_authority = Tls { ca: member.ca.clone(), ..foreign };
    assert_ne!(ask(address, with_our_authority.client()).await.unwrap_err().code(), tonic::Code::Unimplemented);
    let without = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&member.ca)).domain_name(NAME);
    assert_ne!(ask(address, without).await.unwrap_err().code(), tonic::Code::Unimplemented, "no certificate");
}

#[tokio::test]
async fn a_bundle_stands_for_all_three_files_and_is_for_its_owner_only() {
    let scratch = Scratch::new();
    let store: Shared = Arc::new(Embedded::open(scratch.path()).unwrap());
    let server = issue(&store).await.unwrap();
    let path = scratch.path().join("cluster.pem");
    issue(&store).await.unwrap().write_bundle(&path).unwrap();
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let member = Tls::read(&path, &path, &path).unwrap();
    let address = serve(&server).await;
    assert_eq!(ask(address, member.client()).await.unwrap_err().code(), tonic::Code::Unimplemented);
    let missing = Tls::read(&path, &scratch.path().join("none.pem"), &path).unwrap_err();
    assert!(missing.to_string().contains("none.pem"), "{missing}");
}
