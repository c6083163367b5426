//! The Noise NX handshake computed a second time, from its secrets and its two messages.
//!
//! The reference keeps chaining key, handshake hash and transport keys to itself. Vectors need them, and a
//! certificate can only be replaced by a bad one by whoever knows them. What is computed here is checked against
//! the reference: the ciphertexts it made must open with these keys.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::ChaCha20Poly1305;
use stratum_core::bitcoin::hashes::{sha256, Hash, HashEngine, Hmac, HmacEngine};
use stratum_core::bitcoin::secp256k1::ellswift::{ElligatorSwift, ElligatorSwiftParty};
use stratum_core::bitcoin::secp256k1::{Parity, PublicKey, Secp256k1, SecretKey};
use stratum_core::{codec_sv2, noise_sv2};

/// The name of the protocol, spec 4.5.
const PROTOCOL: &[u8] = b"Noise_NX_Secp256k1+EllSwift_ChaChaPoly_SHA256";

/// A key pair as the reference makes it of 32 random bytes.
#[derive(Clone)]
pub struct KeyPair {
    /// The secret key that is used: the random bytes, negated if the point would have an odd y.
    pub secret: [u8; 32],
    /// The x coordinate of the public key.
    pub x_only: [u8; 32],
    /// The 64-byte ElligatorSwift encoding that the reference chooses.
    pub encoding: [u8; 64],
}

impl KeyPair {
    /// The key pair of `random`, 32 bytes that are a valid secret key.
    pub fn new(random: [u8; 32]) -> Self {
        let secp = Secp256k1::signing_only();
        let random = SecretKey::from_slice(&random).expect("a valid secret key");
        let (_, parity) = PublicKey::from_secret_key(&secp, &random).x_only_public_key();
        let secret = if parity == Parity::Odd {
            random.negate()
        } else {
            random
        };
        let public = PublicKey::from_secret_key(&secp, &secret);
        Self {
            secret: secret.secret_bytes(),
            x_only: public.x_only_public_key().0.serialize(),
            encoding: ElligatorSwift::from_pubkey(public).to_array(),
        }
    }
}

/// What comes out of a handshake.
pub struct Outcome {
    /// The 74 bytes of SIGNATURE_NOISE_MESSAGE: version, valid_from, not_valid_after, signature.
    pub certificate: [u8; 74],
    /// `h` after the second message.
    pub handshake_hash: [u8; 32],
    /// The key of initiator to responder.
    pub initiator_to_responder: [u8; 32],
    /// The key of responder to initiator.
    pub responder_to_initiator: [u8; 32],
}

/// Symmetric state of Noise, section 5.2 of its specification.
struct Symmetric {
    h: [u8; 32],
    ck: [u8; 32],
    k: [u8; 32],
    n: u64,
}

impl Symmetric {
    fn new() -> Self {
        let ck = sha256::Hash::hash(PROTOCOL).to_byte_array();
        Self {
            h: sha256::Hash::hash(&ck).to_byte_array(),
            ck,
            k: [0; 32],
            n: 0,
        }
    }

    fn mix_hash(&mut self, data: &[u8]) {
        self.h = sha256::Hash::hash(&[&self.h[..], data].concat()).to_byte_array();
    }

    fn mix_key(&mut self, secret: &[u8]) {
        (self.ck, self.k) = hkdf(&self.ck, secret);
        self.n = 0;
    }

    fn decrypt_and_hash(&mut self, ciphertext: &[u8]) -> Option<Vec<u8>> {
        let plaintext = open(&self.k, self.n, &self.h, ciphertext)?;
        self.n += 1;
        self.mix_hash(ciphertext);
        Some(plaintext)
    }
}

/// HKDF of Noise with two outputs.
fn hkdf(key: &[u8; 32], input: &[u8]) -> ([u8; 32], [u8; 32]) {
    let temporary = hmac(key, input);
    let first = hmac(&temporary, &[1]);
    let second = hmac(&temporary, &[&first[..], &[2]].concat());
    (first, second)
}

fn hmac(key: &[u8; 32], data: &[u8]) -> [u8; 32] {
    let mut engine = HmacEngine::<sha256::Hash>::new(key);
    engine.input(data);
    Hmac::from_engine(engine).to_byte_array()
}

/// The nonce of Noise's ChaChaPoly: 4 zero bytes and the counter in little-endian order.
fn nonce(n: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&n.to_le_bytes());
    nonce
}

/// Decrypts one ciphertext; none if its tag is wrong.
pub fn open(key: &[u8; 32], n: u64, ad: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
    let payload = Payload {
        msg: ciphertext,
        aad: ad,
    };
    ChaCha20Poly1305::new(key.into())
        .decrypt(&nonce(n).into(), payload)
        .ok()
}

fn seal(key: &[u8; 32], n: u64, ad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let payload = Payload {
        msg: plaintext,
        aad: ad,
    };
    ChaCha20Poly1305::new(key.into())
        .encrypt(&nonce(n).into(), payload)
        .expect("a short plaintext")
}

/// The state right before the certificate, from the responder's secrets and both messages.
fn up_to_certificate(ephemeral: &KeyPair, fixed: &KeyPair, act1: &[u8], act2: &[u8]) -> Symmetric {
    let mut state = Symmetric::new();
    state.mix_hash(act1);
    state.mix_hash(&[]);
    state.mix_hash(&act2[..64]);
    let theirs = act1.try_into().expect("64 bytes");
    state.mix_key(&shared(theirs, ephemeral));
    let encoding = state
        .decrypt_and_hash(&act2[64..144])
        .expect("the static key opens");
    assert_eq!(encoding, fixed.encoding, "the static key is the scripted one");
    state.mix_key(&shared(theirs, fixed));
    state
}

/// The responder's ECDH with the initiator's ephemeral key, BIP 324.
fn shared(initiator: [u8; 64], ours: &KeyPair) -> [u8; 32] {
    ElligatorSwift::shared_secret(
        ElligatorSwift::from_array(initiator),
        ElligatorSwift::from_array(ours.encoding),
        SecretKey::from_slice(&ours.secret).expect("a valid secret key"),
        ElligatorSwiftParty::B,
        None,
    )
    .to_secret_bytes()
}

/// What the handshake of `act1` and `act2` comes to.
pub fn outcome(ephemeral: &KeyPair, fixed: &KeyPair, act1: &[u8], act2: &[u8]) -> Outcome {
    let mut state = up_to_certificate(ephemeral, fixed, act1, act2);
    let certificate = state
        .decrypt_and_hash(&act2[144..])
        .expect("the certificate opens");
    let (initiator_to_responder, responder_to_initiator) = hkdf(&state.ck, &[]);
    Outcome {
        certificate: certificate.try_into().expect("74 bytes"),
        handshake_hash: state.h,
        initiator_to_responder,
        responder_to_initiator,
    }
}

/// `act2` with its certificate replaced by what `change` makes of it; all tags are right.
pub fn replace_certificate(
    ephemeral: &KeyPair,
    fixed: &KeyPair,
    act1: &[u8],
    act2: &[u8],
    change: impl FnOnce(&mut [u8]),
) -> Vec<u8> {
    let state = up_to_certificate(ephemeral, fixed, act1, act2);
    let mut certificate = open(&state.k, state.n, &state.h, &act2[144..]).expect("the certificate opens");
    change(&mut certificate);
    [&act2[..144], &seal(&state.k, state.n, &state.h, &certificate)].concat()
}

/// The reference's name of a handshake error, without its contents.
pub fn error_name(error: &codec_sv2::Error) -> String {
    match error {
        codec_sv2::Error::NoiseSv2Error(noise_sv2::Error::InvalidCertificate(_)) => {
            "InvalidCertificate".into()
        }
        codec_sv2::Error::NoiseSv2Error(noise_sv2::Error::Aead(_)) => "Aead".into(),
        other => format!("{other:?}"),
    }
}
