//! The written sessions: each about one thing.

mod lifetimes;
mod verdicts;

use super::scenario::Scenario;
use serde_json::{json, Value};

/// When the first tip was found.
const TIME: u32 = 1_700_000_000;
/// All sessions.
pub fn all() -> Vec<Value> {
    vec![
        opening(),
        verdicts::standard(),
        verdicts::extended(),
        verdicts::extended_without_rolling(),
        verdicts::group(),
        verdicts::group_of_another_size(),
        verdicts::custom_jobs(),
        lifetimes::batches(),
        lifetimes::targets(),
        lifetimes::past_jobs(),
        lifetimes::extranonce_prefixes(),
        lifetimes::previous_hashes(),
        lifetimes::block_one(),
    ]
}

/// What a channel may be opened with, and the target it starts with.
fn opening() -> Value {
    let mut s = Scenario::new("opening and updating channels");
    s.open(1, "00000001", None, json!({ "maxTarget": "00".repeat(32) }));
    s.open(2, "00000002", Some(8), json!({ "maxTarget": "00".repeat(32) }));
    for rate in [json!(-1), json!(-0.0), json!("NaN"), json!("inf"), json!("-inf")] {
        s.open(3, "00000003", None, json!({ "nominalHashRate": rate }));
        s.open(4, "00000004", Some(8), json!({ "nominalHashRate": rate }));
    }
    for rate in [0.0, 0.1, 1.0, 9.5e6, 1e12, 1.25e14, 1e18, 3.4e38] {
        s.open(5, "00000005", None, json!({ "nominalHashRate": rate }));
        s.open(
            6,
            "00000006",
            Some(4),
            json!({ "nominalHashRate": rate, "sharesPerMinute": 20.5 }),
        );
    }
    for pace in [json!(0), json!(-6), json!("NaN")] {
        s.open(
            7,
            "00000007",
            None,
            json!({ "sharesPerMinute": pace, "nominalHashRate": 1e12 }),
        );
    }
    s.open(
        8,
        "00000008",
        None,
        json!({ "maxTarget": format!("{}00000000", "ff".repeat(28)) }),
    );
    s.open(9, &"ab".repeat(32), None, json!({}));
    s.open(10, &"ab".repeat(24), Some(8), json!({}));
    // 8 bytes of template prefix, the tag and its 7 bytes of frame, one push and the extranonce: at most 100
    s.open(11, &"ab".repeat(32), None, json!({ "poolTag": "p".repeat(52) }));
    s.open(12, &"ab".repeat(32), None, json!({ "poolTag": "p".repeat(53) }));
    s.open(
        13,
        &"ab".repeat(24),
        Some(8),
        json!({ "poolTag": "p".repeat(20), "minerTag": "m".repeat(32) }),
    );
    s.open(
        14,
        &"ab".repeat(24),
        Some(8),
        json!({ "poolTag": "p".repeat(20), "minerTag": "m".repeat(33) }),
    );
    for (rate, max) in [
        (json!(1e12), Value::Null),
        (json!(1.0), json!(format!("{}00000000", "ff".repeat(28)))),
        (json!(1e15), Value::Null),
        (json!(-1.0), Value::Null),
        (json!("NaN"), Value::Null),
        (json!(1e12), json!("00".repeat(32))),
        (json!(0.0), Value::Null),
    ] {
        for id in [5, 6] {
            s.step(json!({
                "cmd": "updateChannel", "channelId": id, "nominalHashRate": rate, "maximumTarget": max,
            }));
        }
    }
    s.step(json!({ "cmd": "setTarget", "channelId": 5, "target": "00".repeat(32) }));
    // above what its client accepts
    s.step(json!({ "cmd": "setTarget", "channelId": 5, "target": "ff".repeat(32) }));
    s.finish()
}
