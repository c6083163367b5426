//! Authority keys as text: hexadecimal or base58check as in spec 4.7.

use crate::hex;
use stratum_core::bitcoin::base58;
use stratum_core::bitcoin::secp256k1::{Keypair, Secp256k1, SecretKey};

/// Version bytes before a public key, 1 in little-endian order.
const PUBLIC_VERSION: [u8; 2] = [1, 0];

/// A secret key: 64 hexadecimal digits, or base58check of 32 bytes.
pub fn secret(text: &str) -> Result<[u8; 32], String> {
    if let Ok(key) = hex::decode_array(text) {
        return Ok(key);
    }
    let bytes = base58::decode_check(text).map_err(|error| format!("secret key: {error}"))?;
    bytes
        .try_into()
        .map_err(|_| "secret key: expected 32 bytes".to_owned())
}

/// An x-only public key: 64 hexadecimal digits, or base58check of version and 32 bytes.
pub fn public(text: &str) -> Result<[u8; 32], String> {
    if let Ok(key) = hex::decode_array(text) {
        return Ok(key);
    }
    let bytes = base58::decode_check(text).map_err(|error| format!("public key: {error}"))?;
    match bytes
        .strip_prefix(&PUBLIC_VERSION)
        .and_then(|key| key.try_into().ok())
    {
        Some(key) => Ok(key),
        None => Err("public key: expected version 1 and 32 bytes".to_owned()),
    }
}

/// The x-only public key of a secret key.
pub fn public_of(secret: &[u8; 32]) -> Result<[u8; 32], String> {
    let key = SecretKey::from_slice(secret).map_err(|error| format!("secret key: {error}"))?;
    Ok(Keypair::from_secret_key(&Secp256k1::signing_only(), &key)
        .x_only_public_key()
        .0
        .serialize())
}

/// Base58check text of an x-only public key.
pub fn public_text(key: &[u8; 32]) -> String {
    base58::encode_check(&[&PUBLIC_VERSION[..], key].concat())
}
