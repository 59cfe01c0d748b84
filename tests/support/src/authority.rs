//! Certificates as an operator makes them for the members of a cluster.

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

/// Certificate, key and authority of a member in one PEM text. Members are known by their authority, so one serves all.
pub fn bundle() -> String {
    let key = || KeyPair::generate().expect("the operating system gives randomness");
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = key();
    let authority_pem = authority.self_signed(&authority_key).expect("a fresh key signs").pem();
    let mut member = CertificateParams::new(["tandem.cluster".to_owned()]).expect("it is a DNS name");
    member.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let member_key = key();
    let issuer = Issuer::new(authority, authority_key);
    let member_pem = member.signed_by(&member_key, &issuer).expect("a fresh key signs").pem();
    format!("{member_pem}{}{authority_pem}", member_key.serialize_pem())
}
