//! bitcoin.json: targets, difficulties, hash rates, merkle roots, coinbases, headers and jobs.

mod jobs;
mod targets;

use crate::hex;
use crate::rng::SplitMix;
use serde_json::{json, Map, Value};
use stratum_core::bitcoin::block::Header;
use stratum_core::bitcoin::consensus;
use stratum_core::channels_sv2::bip141::try_strip_bip141;
use stratum_core::channels_sv2::merkle_root::merkle_root_from_path;

/// Headers of the main chain: blocks 0, 1 and 170, as they were serialized.
const HEADERS: [&str; 3] = [
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f61\
     7fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c",
    "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e1fee1467\
     7ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299",
    "0100000055bd840a78798ad0da853f68974f3d183e2bd1db6a842c1feecf222a00000000ff104ccb05421ab93e63f8c3ce5c2c2e\
     9dbb37de2764b3a3175c8166562cac7d51b96a49ffff001d283e9e70",
];

/// The members of the file.
pub fn vectors() -> Map<String, Value> {
    let mut members = targets::vectors();
    members.insert("headers".into(), headers());
    members.insert("merkleRoots".into(), merkle_roots());
    members.insert("jobs".into(), jobs::vectors());
    members
}

/// Block headers, their fields and their hashes.
fn headers() -> Value {
    let mut headers: Vec<Header> = HEADERS
        .iter()
        .map(|text| consensus::deserialize(&hex::decode(text).expect("hexadecimal")).expect("a header"))
        .collect();
    let mut numbers = SplitMix::new(80);
    headers
        .extend((0..5).map(|_| consensus::deserialize::<Header>(&numbers.bytes::<80>()).expect("80 bytes")));
    headers
        .iter()
        .map(|header| {
            let hash = header.block_hash();
            json!({
                "header": hex::encode(&consensus::serialize(header)),
                "version": header.version.to_consensus() as u32,
                "prevHash": hex::encode(header.prev_blockhash.as_ref()),
                "merkleRoot": hex::encode(header.merkle_root.as_ref()),
                "ntime": header.time,
                "nbits": header.bits.to_consensus(),
                "nonce": header.nonce,
                "hash": hex::encode(hash.as_ref()),
                "isBlock": header.target().is_met_by(hash),
            })
        })
        .collect()
}

/// Coinbases around an extranonce, their ids folded over paths; null where the parts are no coinbase.
fn merkle_roots() -> Value {
    let mut numbers = SplitMix::new(4);
    let outpoint = format!("{}ffffffff", "00".repeat(32));
    let prefix = format!("0200000001{outpoint}1003350c0008");
    let suffix = format!("feffffff0100f2052a01000000160014{}00000000", "66".repeat(20));
    let witness_prefix = format!("020000000001{}", &prefix[8..]);
    let witness_suffix = format!("{}0120{}00000000", &suffix[..suffix.len() - 8], "00".repeat(32));
    let mut roots = Vec::new();
    for length in [0, 1, 2, 3, 12, 255] {
        let path: Vec<[u8; 32]> = (0..length).map(|_| numbers.bytes()).collect();
        let extranonce = hex::encode(&numbers.bytes::<11>());
        roots.push(merkle_root(
            "coinbase without witness",
            &prefix,
            &suffix,
            &extranonce,
            &path,
        ));
    }
    let path = [numbers.bytes()];
    let eleven = "01".repeat(11);
    roots.extend([
        merkle_root(
            "coinbase with witness",
            &witness_prefix,
            &witness_suffix,
            &eleven,
            &path,
        ),
        merkle_root("extranonce too short", &prefix, &suffix, &eleven[2..], &path),
        merkle_root(
            "extranonce too long",
            &prefix,
            &suffix,
            &format!("{eleven}00"),
            &path,
        ),
        merkle_root("nothing", "", "", "", &path),
        merkle_root(
            "not a coinbase",
            &prefix.replacen("00000000", "11000000", 1),
            &suffix,
            &eleven,
            &path,
        ),
    ]);
    Value::Array(roots)
}

fn merkle_root(case: &str, prefix: &str, suffix: &str, extranonce: &str, path: &[[u8; 32]]) -> Value {
    let bytes = |text: &str| hex::decode(text).expect("hexadecimal");
    let root = merkle_root_from_path(&bytes(prefix), &bytes(suffix), &bytes(extranonce), path);
    let stripped = try_strip_bip141(&bytes(prefix), &bytes(suffix)).ok().flatten();
    json!({
        "case": case,
        "coinbaseTxPrefix": prefix,
        "coinbaseTxSuffix": suffix,
        "extranonce": extranonce,
        "merklePath": path.iter().map(|hash| hex::encode(hash)).collect::<Vec<_>>(),
        "merkleRoot": root.map(|root| hex::encode(&root)),
        "stripped": stripped.map(|(prefix, suffix)| json!({
            "coinbaseTxPrefix": hex::encode(&prefix), "coinbaseTxSuffix": hex::encode(&suffix),
        })),
    })
}
