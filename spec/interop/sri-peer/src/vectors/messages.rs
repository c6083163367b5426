//! messages.json: instances of every message and their frames.

use crate::{catalog, frame, json};
use serde_json::{Map, Value};
use stratum_core::extensions_sv2::UserIdentity;
use stratum_core::parsers_sv2::{AnyMessageOwned, Tlv, TlvField};

/// The members of the file.
pub fn vectors() -> Map<String, Value> {
    let mut messages = Vec::new();
    for make in catalog::makers() {
        for (case, fullness) in catalog::CASES {
            messages.push(vector(case, make(fullness), &[]));
        }
    }
    messages.extend(
        catalog::extras()
            .into_iter()
            .map(|(case, message)| vector(case, message, &[])),
    );
    messages.extend(tlv_cases().into_iter().map(|(case, tlvs)| {
        vector(
            case,
            catalog::submit_shares_extended(catalog::Case::Typical),
            &tlvs,
        )
    }));
    Map::from_iter([("messages".to_owned(), Value::Array(messages))])
}

/// One instance; its payload is what the reference reads back from the frame it wrote.
fn vector(case: &str, message: AnyMessageOwned, tlvs: &[Tlv]) -> Value {
    let bytes = match tlvs {
        [] => frame::encode(message),
        _ => frame::encode_with_tlvs(message, tlvs),
    }
    .expect("the catalogue can be encoded");
    let negotiated: Vec<u16> = tlvs.iter().map(|tlv| tlv.r#type.extension_type).collect();
    let mut vector = json::message(&bytes, &negotiated).expect("what was encoded can be parsed");
    vector
        .as_object_mut()
        .expect("an object")
        .shift_insert(1, "case".into(), Value::from(case));
    vector
}

/// The user_identity TLV of extension 0x0002, alone and in company.
fn tlv_cases() -> Vec<(&'static str, Vec<Tlv>)> {
    let identity = |text: &str| {
        UserIdentity::new(text)
            .expect("at most 32 bytes")
            .to_tlv()
            .expect("an identity makes a TLV")
    };
    vec![
        ("user_identity", vec![identity("Worker_001")]),
        ("empty user_identity", vec![identity("")]),
        (
            "longest user_identity",
            vec![identity("0123456789abcdef0123456789abcdef")],
        ),
        ("user_identity beyond ASCII", vec![identity("wörkér-⛏")]),
        (
            "user_identity and a TLV of another extension",
            vec![identity("Worker_001"), Tlv::new(0x1234, 0x56, vec![7; 300])],
        ),
    ]
}
