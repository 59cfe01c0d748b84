//! From the exporter's bytes to the keys of two directions.

use dimpl::{KeyingMaterial, SrtpProfile};
use srtp::{MasterKey, Suite};

use crate::Role;

/// Keys of the client's and the server's direction, each made of its part of the exporter's bytes (RFC 5764 §4.2): key of
/// the client, key of the server, salt of the client, salt of the server. `(inbound, outbound)`; nothing, if SRTP does
/// not know the profile.
pub fn split(material: &KeyingMaterial, profile: SrtpProfile, role: Role) -> Option<(MasterKey, MasterKey)> {
    let suite = match profile {
        SrtpProfile::AEAD_AES_256_GCM => Suite::AeadAes256Gcm,
        SrtpProfile::AEAD_AES_128_GCM => Suite::AeadAes128Gcm,
        SrtpProfile::AES128_CM_SHA1_80 => Suite::AesCm128HmacSha1_80,
        _ => return None,
    };
    let (keys, salts) = material.split_at_checked(2 * suite.key_length())?;
    let (client_salt, server_salt) = salts.split_at_checked(suite.salt_length())?;
    let (client_key, server_key) = keys.split_at(suite.key_length());
    let client = MasterKey::new(suite, &[client_key, client_salt].concat()).ok()?;
    let server = MasterKey::new(suite, &[server_key, server_salt].concat()).ok()?;
    Some(match role {
        Role::Active => (server, client),
        Role::Passive => (client, server),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_first_and_salts_behind() {
        let material: Vec<u8> = (0..60).collect();
        let material = KeyingMaterial::new(&material);
        let (inbound, outbound) = split(&material, SrtpProfile::AES128_CM_SHA1_80, Role::Active).unwrap();
        assert_eq!(outbound.key(), (0..16).collect::<Vec<u8>>());
        assert_eq!(inbound.key(), (16..32).collect::<Vec<u8>>());
        assert_eq!(outbound.salt(), (32..46).collect::<Vec<u8>>());
        assert_eq!(inbound.salt(), (46..60).collect::<Vec<u8>>());
        let passive = split(&material, SrtpProfile::AES128_CM_SHA1_80, Role::Passive).unwrap();
        assert!(passive == (outbound, inbound));
        assert!(split(&material, SrtpProfile::AEAD_AES_256_GCM, Role::Active).is_none(), "too short");
    }
}
