//! Compact targets, difficulties and hash rates.

use crate::hex;
use crate::rng::SplitMix;
use serde_json::{json, Map, Value};
use stratum_core::bitcoin::{CompactTarget, Target};
use stratum_core::channels_sv2::target::{hash_rate_from_target, hash_rate_to_target};

/// nBits of real blocks, of test networks, and odd ones: zero, negative, tiny, not normal, overflowing.
const NBITS: [u32; 40] = [
    0x1d00_ffff,
    0x1b04_04cb,
    0x1705_ae3a,
    0x1a44_b9f2,
    0x207f_ffff,
    0x1e03_77ae,
    0x1903_a30c,
    0x1702_4c76,
    0x1c7f_ff80,
    0x2000_ffff,
    0x1f00_ffff,
    0x1e00_ffff,
    0x0000_0000,
    0x0012_3456,
    0x0100_3456,
    0x0112_3456,
    0x0200_8000,
    0x0212_3456,
    0x0312_3456,
    0x0412_3456,
    0x0492_3456,
    0x0500_9234,
    0x2012_3456,
    0x2112_3456,
    0x2100_ffff,
    0x2200_00ff,
    0x2101_0000,
    0x2201_0000,
    0x2300_0001,
    0xff12_3456,
    0x01fe_dcba,
    0x04ff_ffff,
    0x1d80_0000,
    0x1d80_ffff,
    0x1dff_ffff,
    0x0300_0000,
    0x0380_0000,
    0x0400_0001,
    0x0100_0000,
    0x207f_fffe,
];

/// Hash rates in H/s, as the F32 of the wire widened to F64, and beyond what the wire can say.
const RATES: [f64; 22] = [
    0.0,
    -0.0,
    0.001,
    0.1,
    0.5,
    1.0,
    2.0,
    10.0,
    123.456,
    1e3,
    1e6,
    4.3e6,
    1e9,
    9.5e12,
    1e13,
    1.25e14,
    1e15,
    5e17,
    1e20,
    3.402_823_466_385_288_6e38,
    1e60,
    -1.0,
];
/// Shares per minute.
const PACES: [f64; 11] = [6.0, 1.0, 0.1, 0.01, 10.0, 20.5, 60.0, 1000.0, 1e9, 0.0, -6.0];

/// The members of the file that are about targets.
pub fn vectors() -> Map<String, Value> {
    Map::from_iter([
        (
            "nbits".to_owned(),
            NBITS.iter().map(|&nbits| compact(nbits)).collect(),
        ),
        (
            "difficulties".to_owned(),
            targets().iter().map(difficulty).collect(),
        ),
        ("hashRateToTarget".to_owned(), rates_to_targets()),
        ("hashRateFromTarget".to_owned(), targets_to_rates()),
    ])
}

/// What `nbits` encodes and what that target encodes to.
fn compact(nbits: u32) -> Value {
    let target = Target::from_compact(CompactTarget::from_consensus(nbits));
    json!({
        "nbits": nbits,
        "target": hex::encode(&target.to_le_bytes()),
        "back": target.to_compact_lossy().to_consensus(),
    })
}

/// The difficulty of a target, null for the infinite one of zero.
fn difficulty(target: &Target) -> Value {
    json!({
        "target": hex::encode(&target.to_le_bytes()),
        "difficulty": target.difficulty_float(),
        "compact": target.to_compact_lossy().to_consensus(),
    })
}

/// Targets from one to the largest, around powers of 256 and at random.
fn targets() -> Vec<Target> {
    let mut targets = vec![Target::ZERO, Target::from_le_bytes([0xff; 32]), Target::MAX];
    for at in 0..32 {
        for value in [0x01, 0x80, 0xff] {
            let mut bytes = [0; 32];
            bytes[at] = value;
            targets.push(Target::from_le_bytes(bytes));
            bytes[..at].fill(0xff);
            targets.push(Target::from_le_bytes(bytes));
        }
    }
    let mut numbers = SplitMix::new(9);
    for zeros in 0..32 {
        let mut bytes: [u8; 32] = numbers.bytes();
        bytes[32 - zeros..].fill(0);
        targets.push(Target::from_le_bytes(bytes));
    }
    targets
}

/// Each rate with each pace, infinities and no-numbers too.
fn rates_to_targets() -> Value {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let pairs = RATES
        .iter()
        .flat_map(|&rate| PACES.iter().map(move |&pace| (rate, pace)))
        .chain(odd.iter().flat_map(|&odd| [(odd, 6.0), (1e12, odd)]));
    pairs
        .map(|(rate, pace)| {
            let result = hash_rate_to_target(rate, pace);
            json!({
                "hashRate": number(rate),
                "sharesPerMinute": number(pace),
                "target": result.as_ref().ok().map(|target| hex::encode(&target.to_le_bytes())),
                "error": result.as_ref().err().map(|error| format!("{error:?}")),
            })
        })
        .collect()
}

/// Some targets with some paces.
fn targets_to_rates() -> Value {
    targets()
        .iter()
        .enumerate()
        .flat_map(|(i, target)| {
            let paces = if i < 3 {
                &PACES[..]
            } else {
                &PACES[i % 8..i % 8 + 2]
            };
            paces.iter().map(move |&pace| (target, pace))
        })
        .map(|(target, pace)| {
            let result = hash_rate_from_target(target.to_le_bytes().into(), pace);
            json!({
                "target": hex::encode(&target.to_le_bytes()),
                "sharesPerMinute": number(pace),
                "hashRate": result.as_ref().ok().map(|&rate| number(rate)),
                "error": result.as_ref().err().map(|error| format!("{error:?}")),
            })
        })
        .collect()
}

/// A number, or the name of one that JSON has none for.
fn number(value: f64) -> Value {
    if value.is_finite() {
        Value::from(value)
    } else {
        Value::from(value.to_string())
    }
}
