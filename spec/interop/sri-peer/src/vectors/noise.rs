//! noise.json: handshakes with fixed secrets and a fixed clock, and frames under their keys.

use crate::frame::RawFrame;
use crate::rng::{ScriptedRng, SplitMix};
use crate::transcript::{self, KeyPair, Outcome};
use crate::{hex, json};
use serde_json::{json, Map, Value};
use std::time::Duration;
use stratum_core::codec_sv2::{
    self, Decrypted, Handshake, NoiseDecoder, NoiseEncoder, TransportDecryptState, TransportEncryptState,
};
use stratum_core::noise_sv2::{Initiator, Responder};

/// When the responder signs its certificate.
const NOW: u32 = 1_700_000_000;
/// How long the certificate is valid, in seconds.
const VALIDITY: u32 = 3600;

/// Everything that determines a handshake.
struct Script {
    authority: KeyPair,
    initiator_random: [u8; 32],
    responder_random: [u8; 32],
    static_random: [u8; 32],
    schnorr_aux: [u8; 32],
    validity: u32,
}

impl Script {
    fn new(seed: u64) -> Self {
        let mut numbers = SplitMix::new(seed);
        Self {
            authority: KeyPair::new(numbers.bytes()),
            initiator_random: numbers.bytes(),
            responder_random: numbers.bytes(),
            static_random: numbers.bytes(),
            schnorr_aux: numbers.bytes(),
            validity: VALIDITY,
        }
    }

    /// The initiator's side, expecting `authority` or nobody in particular.
    fn initiator(&self, authority: Option<[u8; 32]>) -> Box<Initiator> {
        let mut rng = ScriptedRng::new(&[self.initiator_random]);
        match authority {
            Some(key) => Initiator::from_raw_k_with_rng(key, &mut rng),
            None => Initiator::without_pk_with_rng(&mut rng),
        }
        .expect("a valid authority key")
    }

    /// Both messages and the responder's transport.
    fn respond(&self) -> (Vec<u8>, Vec<u8>, codec_sv2::Transport) {
        let (first, _) = Handshake::initiator(self.initiator(None))
            .step_0()
            .expect("step 0");
        let act1 = first.payload().to_vec();
        let mut rng = ScriptedRng::new(&[self.responder_random, self.static_random, self.schnorr_aux]);
        let responder = Responder::from_authority_kp_with_rng(
            &self.authority.x_only,
            &self.authority.secret,
            Duration::from_secs(self.validity.into()),
            &mut rng,
        )
        .expect("a valid authority key pair");
        let (second, transport) = Handshake::responder(responder)
            .step_1_with_now_rng(act1.clone().try_into().expect("64 bytes"), NOW, &mut rng)
            .expect("step 1");
        assert!(rng.is_spent(), "the script is exactly what the reference draws");
        (act1, second.payload().to_vec(), transport)
    }

    /// What the initiator makes of `act2` at `now`.
    fn finish(
        &self,
        authority: Option<[u8; 32]>,
        act2: &[u8],
        now: u32,
    ) -> codec_sv2::Result<codec_sv2::Transport> {
        let (_, sent) = Handshake::initiator(self.initiator(authority))
            .step_0()
            .expect("step 0");
        sent.step_2_with_now(act2.try_into().expect("234 bytes"), now)
    }

    fn inputs(&self) -> Value {
        json!({
            "authority": key_pair(&self.authority),
            "initiatorEphemeral": key_pair(&KeyPair::new(self.initiator_random)),
            "responderEphemeral": key_pair(&KeyPair::new(self.responder_random)),
            "responderStatic": key_pair(&KeyPair::new(self.static_random)),
            "schnorrAuxRand": hex::encode(&self.schnorr_aux),
            "responderNow": NOW,
            "certificateValiditySeconds": self.validity,
        })
    }

    fn outcome(&self, act1: &[u8], act2: &[u8]) -> Outcome {
        let (ephemeral, fixed) = (
            KeyPair::new(self.responder_random),
            KeyPair::new(self.static_random),
        );
        transcript::outcome(&ephemeral, &fixed, act1, act2)
    }
}

/// The members of the file.
pub fn vectors() -> Map<String, Value> {
    let handshakes = (1..=4).map(handshake).collect();
    Map::from_iter([
        ("handshakes".to_owned(), Value::Array(handshakes)),
        ("certificates".to_owned(), certificates()),
    ])
}

/// A complete handshake and frames in both directions.
fn handshake(seed: u64) -> Value {
    let script = Script::new(seed);
    let (act1, act2, responder) = script.respond();
    let outcome = script.outcome(&act1, &act2);
    let initiator = script
        .finish(Some(script.authority.x_only), &act2, NOW + 1)
        .expect("a good certificate");
    let (initiator, responder) = (initiator.split(), responder.split());
    json!({
        "name": format!("handshake {seed}"),
        "inputs": script.inputs(),
        "initiatorNow": NOW + 1,
        "act1": hex::encode(&act1),
        "act2": hex::encode(&act2),
        "certificate": certificate(&outcome.certificate),
        "handshakeHash": hex::encode(&outcome.handshake_hash),
        "keys": {
            "initiatorToResponder": hex::encode(&outcome.initiator_to_responder),
            "responderToInitiator": hex::encode(&outcome.responder_to_initiator),
        },
        "initiatorToResponder": frames(initiator.0, responder.1, &outcome.initiator_to_responder, seed),
        "responderToInitiator": frames(responder.0, initiator.1, &outcome.responder_to_initiator, seed + 100),
    })
}

/// A secret key with what follows from it.
fn key_pair(pair: &KeyPair) -> Value {
    json!({
        "secretKey": hex::encode(&pair.secret),
        "xOnlyPublicKey": hex::encode(&pair.x_only),
        "ellswift": hex::encode(&pair.encoding),
    })
}

/// The fields of a SIGNATURE_NOISE_MESSAGE.
fn certificate(bytes: &[u8; 74]) -> Value {
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
    json!({
        "version": u16::from_le_bytes([bytes[0], bytes[1]]),
        "validFrom": u32_at(2),
        "notValidAfter": u32_at(6),
        "signature": hex::encode(&bytes[10..]),
        "bytes": hex::encode(bytes),
    })
}

/// Payload lengths around the limits of a Noise message: 65,519 bytes of plaintext to a block.
const PAYLOADS: [usize; 8] = [0, 1, 24, 256, 65_519, 65_520, 140_000, 7];

/// Frames of one direction: encrypted by one side of the reference, decrypted by the other.
fn frames(
    mut encrypt: TransportEncryptState,
    decrypt: TransportDecryptState,
    key: &[u8; 32],
    seed: u64,
) -> Vec<Value> {
    let mut encoder = NoiseEncoder::new();
    let mut decrypt = Some(decrypt);
    let mut decoder = NoiseDecoder::new();
    let mut counter = 0;
    PAYLOADS
        .iter()
        .map(|&length| {
            let (multiplier, offset) = (31, seed as usize);
            let plaintext = plain_frame(length, multiplier, offset);
            let ciphertext = encoder
                .encode_transport(RawFrame(plaintext.clone()), &mut encrypt)
                .expect("the frame can be encrypted");
            assert_eq!(
                open_frame(key, &mut counter, &ciphertext),
                plaintext,
                "the computed key opens it"
            );
            let state = decrypt.take().expect("the decrypting half");
            let (opened, state) = decode(&mut decoder, state, &ciphertext);
            decrypt = Some(state);
            assert_eq!(opened, plaintext, "the other side reads what was sent");
            json!({
                "header": hex::encode(&plaintext[..6]),
                "payload": { "length": length, "multiplier": multiplier, "offset": offset },
                "noncesAfter": counter,
                "ciphertext": json::frame(&ciphertext),
            })
        })
        .collect()
}

/// A frame of an unknown extension whose payload byte `i` is `(i * multiplier + offset) mod 256`.
fn plain_frame(length: usize, multiplier: usize, offset: usize) -> Vec<u8> {
    let mut frame = vec![0x34, 0x12, 0x56];
    frame.extend_from_slice(&(length as u32).to_le_bytes()[..3]);
    frame.extend((0..length).map(|i| (i * multiplier + offset) as u8));
    frame
}

/// Opens an encrypted frame block by block: the header, then blocks of up to 65,535 bytes.
fn open_frame(key: &[u8; 32], counter: &mut u64, ciphertext: &[u8]) -> Vec<u8> {
    let (header, payload) = ciphertext.split_at(22);
    std::iter::once(header)
        .chain(payload.chunks(65_535))
        .flat_map(|block| {
            let plaintext = transcript::open(key, *counter, &[], block).expect("the block opens");
            *counter += 1;
            plaintext
        })
        .collect()
}

/// Reads one frame with the reference's decoder.
fn decode(
    decoder: &mut NoiseDecoder,
    mut state: TransportDecryptState,
    mut ciphertext: &[u8],
) -> (Vec<u8>, TransportDecryptState) {
    loop {
        let buffer = decoder.writable();
        let (now, later) = ciphertext.split_at(buffer.len());
        buffer.copy_from_slice(now);
        ciphertext = later;
        match decoder
            .next_transport_frame(state)
            .expect("the frame can be decrypted")
        {
            Decrypted::Frame(frame, _) if !ciphertext.is_empty() => {
                panic!("{} bytes left over", frame.encoded_length())
            }
            Decrypted::Frame(frame, state) => return (frame.as_bytes().to_vec(), state),
            Decrypted::Incomplete(_, next) => state = next,
        }
    }
}

/// Good and bad certificates and what the reference's initiator says to them: all answers to the same first
/// message.
fn certificates() -> Value {
    let script = Script::new(50);
    let ours = Some(script.authority.x_only);
    let theirs = Some(KeyPair::new(SplitMix::new(51).bytes()).x_only);
    let end = NOW + VALIDITY;
    let keep = |_: &mut [u8]| {};
    let mut cases = vec![
        certificate_case(&script, "valid", ours, NOW + 1, keep),
        certificate_case(&script, "valid until the last second", ours, end, keep),
        certificate_case(&script, "not yet valid by one second", ours, NOW - 1, keep),
        certificate_case(
            &script,
            "not yet valid, last second of the leeway",
            ours,
            NOW - 10,
            keep,
        ),
        certificate_case(&script, "not yet valid beyond the leeway", ours, NOW - 11, keep),
        certificate_case(&script, "not yet valid by a day", ours, NOW - 86_400, keep),
        certificate_case(&script, "expired by one second", ours, end + 1, keep),
        certificate_case(
            &script,
            "expired, last second of the leeway",
            ours,
            end + 10,
            keep,
        ),
        certificate_case(&script, "expired beyond the leeway", ours, end + 11, keep),
        certificate_case(&script, "expired by a day", ours, end + 86_400, keep),
        certificate_case(&script, "wrong authority", theirs, NOW + 1, keep),
        certificate_case(&script, "no authority expected", None, NOW + 1, keep),
        certificate_case(
            &script,
            "no authority expected, expired by a day",
            None,
            end + 86_400,
            keep,
        ),
        certificate_case(&script, "bad signature: a bit of R flipped", ours, NOW + 1, |c| {
            c[10] ^= 1
        }),
        certificate_case(&script, "bad signature: a bit of s flipped", ours, NOW + 1, |c| {
            c[73] ^= 1
        }),
        certificate_case(&script, "bad signature: all zeros", ours, NOW + 1, |c| {
            c[10..].fill(0)
        }),
        certificate_case(&script, "bad signature: all ones", ours, NOW + 1, |c| {
            c[10..].fill(0xff)
        }),
        certificate_case(&script, "validity extended after signing", ours, NOW + 1, |c| {
            c[9] = 0xff
        }),
        certificate_case(&script, "version 1 after signing", ours, NOW + 1, |c| c[0] = 1),
        certificate_case(&script, "version 1, no authority expected", None, NOW + 1, |c| {
            c[0] = 1
        }),
    ];
    let (act1, act2, _) = script.respond();
    for (name, at) in [
        ("bit of the static key's ciphertext flipped", 64),
        ("bit of the static key's tag flipped", 143),
        ("bit of the certificate's ciphertext flipped", 144),
        ("bit of the certificate's tag flipped", 233),
        ("bit of the ephemeral key flipped", 0),
    ] {
        let mut damaged = act2.clone();
        damaged[at] ^= 1;
        cases.push(case(&script, name, ours, NOW + 1, &damaged));
    }
    json!({ "inputs": script.inputs(), "act1": hex::encode(&act1), "cases": cases })
}

/// One case: a certificate as signed or changed, and the verdict.
fn certificate_case(
    script: &Script,
    name: &str,
    authority: Option<[u8; 32]>,
    now: u32,
    change: impl FnOnce(&mut [u8]),
) -> Value {
    let (act1, act2, _) = script.respond();
    let (ephemeral, fixed) = (
        KeyPair::new(script.responder_random),
        KeyPair::new(script.static_random),
    );
    let act2 = transcript::replace_certificate(&ephemeral, &fixed, &act1, &act2, change);
    let certificate = certificate(&script.outcome(&act1, &act2).certificate);
    let mut case = case(script, name, authority, now, &act2);
    case["certificate"] = certificate;
    case
}

/// One case: a second message and the verdict.
fn case(script: &Script, name: &str, authority: Option<[u8; 32]>, now: u32, act2: &[u8]) -> Value {
    let verdict = match script.finish(authority, act2, now) {
        Ok(_) => Value::Null,
        Err(error) => Value::from(transcript::error_name(&error)),
    };
    json!({
        "name": name,
        "expectedAuthority": authority.map(|key| hex::encode(&key)),
        "initiatorNow": now,
        "act2": hex::encode(act2),
        "error": verdict,
    })
}
