//! The reference's results as JSON answers.

use crate::{frame, hex, json as sv2_json};
use serde_json::{json, Value};
use std::fmt::Debug;
use stratum_core::channels_sv2::server::share_accounting::{
    ShareAccounting, ShareValidationError, ShareValidationResult,
};
use stratum_core::parsers_sv2::{AnyMessageOwned, MiningOwned};

/// An error of the reference by its Rust name; if it carries an error code for the wire, that too.
pub fn error(error: &impl Debug) -> Value {
    let text = format!("{error:?}");
    match text.strip_suffix("\")").and_then(|text| text.split_once("(\"")) {
        Some((name, code)) => json!({ "error": name, "errorCode": code }),
        None => json!({ "error": text, "errorCode": null }),
    }
}

/// The answer to what failed; none if it succeeded.
pub fn failure<T, E: Debug>(result: std::result::Result<T, E>) -> Option<Value> {
    result.err().map(|reason| error(&reason))
}

/// The verdict on a share and, if the reference's pool would acknowledge now, SubmitShares.Success.
pub fn verdict(
    result: std::result::Result<ShareValidationResult, ShareValidationError>,
    accounting: &ShareAccounting,
) -> Value {
    let success = || {
        json!({
            "lastSequenceNumber": accounting.get_last_share_sequence_number(),
            "newSubmitsAcceptedCount": accounting.get_last_batch_accepted(),
            "newSharesSum": accounting.get_last_batch_work_sum().to_string(),
        })
    };
    match result {
        Ok(ShareValidationResult::Valid(hash)) => json!({
            "verdict": "valid",
            "shareHash": hash_hex(&hash),
            "success": accounting.should_acknowledge().then(success),
        }),
        Ok(ShareValidationResult::BlockFound(hash, template_id, coinbase)) => json!({
            "verdict": "block",
            "shareHash": hash_hex(&hash),
            "templateId": template_id.map(|id| id.to_string()),
            "coinbase": hex::encode(&coinbase),
            "success": success(),
        }),
        Err(reason) => {
            let mut answer = error(&reason);
            answer
                .as_object_mut()
                .expect("an object")
                .shift_insert(0, "verdict".into(), "rejected".into());
            answer
        }
    }
}

/// Everything the accounting of a channel tells.
pub fn accounting(accounting: &ShareAccounting) -> Value {
    let mut rejected: Vec<(&str, u32)> = accounting.get_rejected_shares().collect();
    rejected.sort_unstable();
    json!({
        "sharesAccepted": accounting.get_shares_accepted(),
        "shareWorkSum": accounting.get_share_work_sum(),
        "bestDifficulty": accounting.get_best_diff(),
        "blocksFound": accounting.get_blocks_found(),
        "lastSequenceNumber": accounting.get_last_share_sequence_number(),
        "lastBatchAccepted": accounting.get_last_batch_accepted(),
        "lastBatchWorkSum": accounting.get_last_batch_work_sum().to_string(),
        "rejected": rejected.into_iter().map(|(code, count)| (code.to_owned(), Value::from(count))).collect::<serde_json::Map<_, _>>(),
    })
}

/// A message of the Mining Protocol with its frame.
pub fn message(message: MiningOwned) -> Value {
    let frame =
        frame::encode(AnyMessageOwned::Mining(message)).expect("the reference encodes its own messages");
    sv2_json::message(&frame, &[]).expect("the reference reads its own messages")
}

/// The 32 bytes of a hash in the order they were computed, which is the order of the wire.
fn hash_hex(hash: &impl AsRef<[u8]>) -> String {
    hex::encode(hash.as_ref())
}
