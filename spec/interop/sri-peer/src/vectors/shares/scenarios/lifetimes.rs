//! What belongs to a job for as long as it lives, when batches end, and what a new tip forgets.

use super::TIME;
use crate::hex;
use crate::vectors::shares::scenario::{Hit, Scenario, EASY_NBITS, QUARTER};
use serde_json::{json, Value};

/// When SubmitShares.Success is due and what it sums up; blocks end a batch early.
pub fn batches() -> Value {
    let mut s = Scenario::new("acknowledgement batches");
    for (id, batch) in [(1_u32, 1), (2, 3), (3, 10)] {
        let prefix = format!("0000000{id}");
        s.open(id, &prefix, Some(4), json!({ "shareBatchSize": batch }));
        // difficulty 123456.7: nothing but a block meets it, and a block counts with it
        let hard = hard_target(0x0000_87f2_3a5b_0000);
        s.set_target(id, &QUARTER);
        s.template(id, 1, true, 0);
        let work = s.prev_hash(id, 1, 0xaa, TIME, EASY_NBITS).with_prefix(&prefix);
        s.set_target(id, &hard);
        let worth = work.with_job(&s.template(id, 2, false, 1));
        for i in 0..4 {
            s.share(
                id,
                &work,
                &QUARTER,
                Hit::Share,
                json!({ "extranonce": format!("000000{i:02x}") }),
            );
        }
        s.share(id, &worth, &hard, Hit::Block, json!({ "extranonce": "00000100" }));
        s.share(
            id,
            &worth,
            &hard,
            Hit::Nothing,
            json!({ "extranonce": "00000101" }),
        );
        for i in 0..5 {
            s.share(
                id,
                &work,
                &QUARTER,
                Hit::Share,
                json!({ "extranonce": format!("000002{i:02x}") }),
            );
        }
        for i in 0..2 {
            s.share(
                id,
                &worth,
                &hard,
                Hit::Block,
                json!({ "extranonce": format!("000003{i:02x}") }),
            );
        }
        for i in 0..12 {
            s.share(
                id,
                &work,
                &QUARTER,
                Hit::Share,
                json!({ "extranonce": format!("000004{i:02x}") }),
            );
        }
        s.accounting(id);
    }
    s.finish()
}

/// A target of 64 significant bits below a number of leading zeros.
fn hard_target(bits: u64) -> [u8; 32] {
    let mut target = [0; 32];
    target[20..28].copy_from_slice(&bits.to_le_bytes());
    target
}

/// A job keeps the target of its time.
pub fn targets() -> Value {
    let mut s = Scenario::new("targets belong to jobs");
    s.open(1, "00000001", Some(4), json!({}));
    s.set_target(1, &QUARTER);
    s.template(1, 1, true, 0);
    let easy = s.prev_hash(1, 1, 0xaa, TIME, EASY_NBITS).with_prefix("00000001");
    let mut harder = QUARTER;
    harder[31] = 0x07;
    s.set_target(1, &harder);
    s.share(
        1,
        &easy,
        &QUARTER,
        Hit::Share,
        json!({ "extranonce": "00000000" }),
    );
    let hard = easy.with_job(&s.template(1, 2, false, 0));
    s.share(1, &hard, &harder, Hit::Share, json!({ "extranonce": "00000001" }));
    s.share(
        1,
        &hard,
        &harder,
        Hit::Nothing,
        json!({ "extranonce": "00000002" }),
    );
    s.template(1, 3, true, 0);
    s.set_target(1, &QUARTER);
    // a future job gets the target of its activation
    let activated = s
        .prev_hash(1, 3, 0xbb, TIME + 1, EASY_NBITS)
        .with_prefix("00000001");
    for i in 3..9 {
        s.share(
            1,
            &activated,
            &QUARTER,
            Hit::Share,
            json!({ "extranonce": format!("0000000{i}") }),
        );
    }
    s.finish()
}

/// Only so many past jobs are kept; the stale ones of the last tip are all known.
pub fn past_jobs() -> Value {
    let mut s = Scenario::new("past jobs");
    for (id, keep) in [(1, json!(2)), (2, Value::Null)] {
        let prefix = format!("0000000{id}");
        s.open(id, &prefix, Some(4), json!({ "maxPastJobs": keep }));
        s.set_target(id, &QUARTER);
        s.template(id, 1, true, 0);
        let first = s.prev_hash(id, 1, 0xaa, TIME, EASY_NBITS).with_prefix(&prefix);
        let mut jobs = vec![first.clone()];
        for template_id in 2..=20 {
            jobs.push(first.with_job(&s.template(id, template_id, false, 0)));
        }
        for (i, job) in jobs.iter().enumerate() {
            s.share(
                id,
                job,
                &QUARTER,
                Hit::Share,
                json!({ "extranonce": format!("000000{i:02x}") }),
            );
        }
        s.template(id, 21, true, 0);
        s.prev_hash(id, 21, 0xbb, TIME + 1, EASY_NBITS);
        for (i, job) in jobs.iter().enumerate().step_by(3) {
            s.share(
                id,
                job,
                &QUARTER,
                Hit::Share,
                json!({ "extranonce": format!("000001{i:02x}") }),
            );
        }
    }
    s.finish()
}

/// A job keeps the extranonce prefix of its time.
pub fn extranonce_prefixes() -> Value {
    let mut s = Scenario::new("extranonce prefixes belong to jobs");
    s.open(1, "00000001", Some(4), json!({}));
    s.open(2, "0000000000000002", None, json!({}));
    for id in [1, 2] {
        s.set_target(id, &QUARTER);
        s.template(id, 1, true, 1);
    }
    let old = s.prev_hash(1, 1, 0xaa, TIME, EASY_NBITS).with_prefix("00000001");
    let old_standard = s.prev_hash(2, 1, 0xaa, TIME, EASY_NBITS);
    for (id, prefix) in [(1, "aabbccddee"), (2, "aabbcc"), (1, "aabbccdd")] {
        s.step(json!({ "cmd": "setExtranoncePrefix", "channelId": id, "extranoncePrefix": prefix }));
    }
    s.step(json!({ "cmd": "setExtranoncePrefix", "channelId": 1, "extranoncePrefix": "ab".repeat(29) }));
    let new = old.with_job(&s.template(1, 2, false, 1)).with_prefix("aabbccdd");
    let new_standard = old_standard.with_job(&s.template(2, 2, false, 1));
    s.share(1, &old, &QUARTER, Hit::Block, json!({ "extranonce": "00000001" }));
    s.share(1, &new, &QUARTER, Hit::Block, json!({ "extranonce": "00000001" }));
    s.share(1, &new, &QUARTER, Hit::Share, json!({ "extranonce": "00000002" }));
    s.share(2, &old_standard, &QUARTER, Hit::Block, json!({}));
    s.share(2, &new_standard, &QUARTER, Hit::Block, json!({}));
    s.finish()
}

/// New tips with and without waiting jobs, with an unknown template, and the same tip again.
pub fn previous_hashes() -> Value {
    let mut s = Scenario::new("previous hashes");
    s.open(1, "0000000000000001", None, json!({}));
    s.set_target(1, &QUARTER);
    s.prev_hash(1, 1, 0x99, TIME - 600, EASY_NBITS);
    let early = s
        .prev_hash(1, 1, 0x99, TIME - 600, EASY_NBITS)
        .with_job(&s.template(1, 1, false, 0));
    s.share(1, &early, &QUARTER, Hit::Share, json!({}));
    s.template(1, 2, true, 1);
    s.template(1, 3, true, 2);
    s.prev_hash(1, 77, 0xaa, TIME, EASY_NBITS);
    s.share(1, &early, &QUARTER, Hit::Share, json!({ "ntime": TIME }));
    let work = s.prev_hash(1, 2, 0xaa, TIME, EASY_NBITS);
    s.share(1, &early, &QUARTER, Hit::Share, json!({ "ntime": TIME }));
    let share = s.share(1, &work, &QUARTER, Hit::Share, json!({}));
    // template 3 was dropped when template 2 became active
    s.prev_hash(1, 3, 0xbb, TIME + 600, EASY_NBITS);
    s.send(&share);
    // the same tip again keeps what was seen
    s.template(1, 4, true, 1);
    let again = s.prev_hash(1, 4, 0xbb, TIME + 600, EASY_NBITS);
    let repeated = s.share(1, &again, &QUARTER, Hit::Share, json!({}));
    s.template(1, 5, true, 1);
    let same = s.prev_hash(1, 5, 0xbb, TIME + 600, EASY_NBITS);
    let mut share = repeated.clone();
    share["jobId"] = json!(same.job_id());
    s.send(&share);
    s.finish()
}

/// Block 1 of the main chain, found a second time: a custom job, its real nonce, difficulty 1.
pub fn block_one() -> Value {
    let mut s = Scenario::new("block 1 of the main chain");
    s.open(1, "01", Some(1), json!({ "maxTarget": "ff".repeat(32) }));
    let mut target = hex::decode("00000000ffff").expect("hexadecimal");
    target.resize(32, 0);
    target.reverse();
    s.set_target(1, &target.try_into().expect("32 bytes"));
    let genesis = "6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000";
    let key =
        "0496b538e853519c726a2c91e61ec11600ae1390813a627c66fb8be7947be63c52da7589379515d4e0a604f8141781e6\
               2294721166bf621e73a82cbf2342c858ee";
    s.step(json!({
        "cmd": "setCustomMiningJob", "channelId": 1,
        "job": {
            "channelId": 1, "requestId": 1, "miningJobToken": "", "version": 1, "prevHash": genesis,
            "minNtime": 1_231_469_665, "nbits": 0x1d00_ffff, "coinbaseTxVersion": 1, "coinbasePrefix": "04ffff001d",
            "coinbaseTxInputNSequence": u32::MAX, "coinbaseTxOutputs": format!("0100f2052a010000004341{key}ac"),
            "coinbaseTxLocktime": 0, "merklePath": [],
        },
    }));
    for nonce in [2_573_394_688_u32, 2_573_394_689, 2_573_394_689, 2_573_394_690] {
        s.send(&json!({
            "cmd": "share", "channelId": 1, "jobId": 1, "nonce": nonce, "ntime": 1_231_469_665, "version": 1,
            "extranonce": "04",
        }));
    }
    s.accounting(1);
    s.finish()
}
