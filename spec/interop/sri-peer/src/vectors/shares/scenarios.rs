//! The written sessions: each about one thing.

use super::scenario::{Hit, Scenario, EASY_NBITS, QUARTER};
use crate::hex;
use serde_json::{json, Value};

/// When the first tip was found.
const TIME: u32 = 1_700_000_000;
/// Bits 5 to 28, which BIP 323 gives to the miner: some of them.
const ROLLED: u32 = 0x2000_0000 | 0x0a5f_ffe0;

/// All sessions.
pub fn all() -> Vec<Value> {
    vec![
        opening(),
        standard(),
        extended(),
        extended_without_rolling(),
        group(),
        group_of_another_size(),
        custom_jobs(),
        batches(),
        targets(),
        past_jobs(),
        extranonce_prefixes(),
        previous_hashes(),
        block_one(),
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
    s.finish()
}

/// Every verdict on a standard channel.
fn standard() -> Value {
    let mut s = Scenario::new("standard channel");
    s.open(1, "0011223344556677", None, json!({}));
    s.set_target(1, &QUARTER);
    s.template(1, 1, false, 2);
    s.template(1, 1, true, 2);
    s.send(&json!({
        "cmd": "share", "channelId": 1, "jobId": 1, "nonce": 0, "ntime": TIME, "version": 0x2000_0000_u32,
    }));
    let work = s.prev_hash(1, 1, 0xaa, TIME, EASY_NBITS);
    every_verdict(&mut s, 1, &work, json!({}));
    let later = work.with_job(&s.template(1, 2, false, 3));
    s.share(1, &later, &QUARTER, Hit::Share, json!({}));
    s.share(1, &work, &QUARTER, Hit::Share, json!({ "ntime": TIME + 7 }));
    s.share(1, &work, &QUARTER, Hit::Block, json!({ "ntime": TIME + 8 }));
    s.template(1, 3, true, 0);
    let next = s.prev_hash(1, 3, 0xbb, TIME + 600, EASY_NBITS);
    s.share(1, &later, &QUARTER, Hit::Share, json!({ "ntime": TIME + 9 }));
    s.share(1, &work, &QUARTER, Hit::Block, json!({ "ntime": TIME + 9 }));
    s.share(1, &next, &QUARTER, Hit::Share, json!({}));
    s.accounting(1);
    s.finish()
}

/// Shares of one job with each verdict that does not need another job.
fn every_verdict(s: &mut Scenario, id: u32, work: &super::scenario::Work, fields: Value) {
    let with = |change: Value| {
        let mut all = fields.clone();
        for (name, value) in change.as_object().expect("an object") {
            all[name] = value.clone();
        }
        all
    };
    s.share(id, work, &QUARTER, Hit::Nothing, with(json!({})));
    let share = s.share(id, work, &QUARTER, Hit::Share, with(json!({})));
    s.send(&share);
    let block = s.share(id, work, &QUARTER, Hit::Block, with(json!({ "ntime": TIME + 1 })));
    s.send(&block);
    s.share(id, work, &QUARTER, Hit::Share, with(json!({ "version": ROLLED })));
    s.share(
        id,
        work,
        &QUARTER,
        Hit::Block,
        with(json!({ "version": ROLLED, "ntime": TIME + 2 })),
    );
    for bit in [0, 4, 5, 28, 29, 30, 31] {
        let version = 0x2000_0000_u32 ^ (1 << bit);
        s.share(
            id,
            work,
            &QUARTER,
            Hit::Share,
            with(json!({ "version": version, "ntime": TIME + 3 })),
        );
    }
    for ntime in [TIME - 1, 0, TIME + 7200, TIME + 7201, u32::MAX] {
        s.share(id, work, &QUARTER, Hit::Share, with(json!({ "ntime": ntime })));
    }
    s.share(id, work, &QUARTER, Hit::Share, with(json!({ "jobId": 4711 })));
}

/// Every verdict on an extended channel that allows version rolling.
fn extended() -> Value {
    let mut s = Scenario::new("extended channel");
    s.open(1, "00112233", Some(8), json!({}));
    s.set_target(1, &QUARTER);
    s.template(1, 1, true, 3);
    let work = s.prev_hash(1, 1, 0xaa, TIME, EASY_NBITS).with_prefix("00112233");
    every_verdict(&mut s, 1, &work, json!({ "extranonce": "0102030405060708" }));
    for extranonce in ["", "01020304050607", "010203040506070809"] {
        s.share(
            1,
            &work,
            &QUARTER,
            Hit::Nothing,
            json!({ "extranonce": extranonce }),
        );
    }
    s.share(
        1,
        &work,
        &QUARTER,
        Hit::Share,
        json!({ "extranonce": "0102030405060709" }),
    );
    let later = work.with_job(&s.template(1, 2, false, 0));
    s.share(
        1,
        &later,
        &QUARTER,
        Hit::Block,
        json!({ "extranonce": "ffffffffffffffff" }),
    );
    s.share(
        1,
        &work,
        &QUARTER,
        Hit::Share,
        json!({ "extranonce": "ffffffffffffffff" }),
    );
    s.template(1, 3, true, 1);
    s.prev_hash(1, 3, 0xbb, TIME + 600, EASY_NBITS);
    s.share(
        1,
        &work,
        &QUARTER,
        Hit::Share,
        json!({ "extranonce": "ffffffffffffffff", "ntime": TIME + 5 }),
    );
    s.accounting(1);
    s.finish()
}

/// Where the version must not change.
fn extended_without_rolling() -> Value {
    let mut s = Scenario::new("extended channel without version rolling");
    s.open(1, "00112233", Some(2), json!({ "versionRollingAllowed": false }));
    s.set_target(1, &QUARTER);
    s.template(1, 1, true, 1);
    let work = s.prev_hash(1, 1, 0xaa, TIME, EASY_NBITS).with_prefix("00112233");
    every_verdict(&mut s, 1, &work, json!({ "extranonce": "0102" }));
    s.accounting(1);
    s.finish()
}

/// One job for a standard and two extended channels.
fn group() -> Value {
    let mut s = Scenario::new("group channel");
    s.step(json!({
        "cmd": "openGroup", "channelId": 100, "fullExtranonceSize": 12, "versionRollingAllowed": true,
        "poolTag": "pool",
    }));
    let standard = "000000000000000000000001";
    s.open(1, standard, None, json!({ "shareBatchSize": 2 }));
    s.open(2, "00000002", Some(8), json!({}));
    s.open(
        3,
        "0000000300000003",
        Some(4),
        json!({ "versionRollingAllowed": false }),
    );
    for id in [1, 2, 3] {
        s.set_target(id, &QUARTER);
        s.step(json!({ "cmd": "joinGroup", "channelId": id, "groupChannelId": 100 }));
    }
    s.template(100, 1, true, 2);
    let work = s.prev_hash(100, 1, 0xaa, TIME, EASY_NBITS);
    // a standard channel's extranonce is all prefix, so its shares are mined without extranonce
    let own = work.with_prefix(standard);
    let mut bare = s.share(1, &own, &QUARTER, Hit::Share, json!({}));
    bare["ntime"] = json!(TIME + 1);
    s.send(&bare);
    s.share(1, &own, &QUARTER, Hit::Block, json!({}));
    let other = work.with_prefix("00000002");
    s.share(
        2,
        &other,
        &QUARTER,
        Hit::Share,
        json!({ "extranonce": "0102030405060708" }),
    );
    s.share(
        2,
        &other,
        &QUARTER,
        Hit::Block,
        json!({ "extranonce": "0102030405060708" }),
    );
    s.share(
        3,
        &work,
        &QUARTER,
        Hit::Share,
        json!({ "extranonce": "01020304" }),
    );
    let later = work.with_job(&s.template(100, 2, false, 1));
    s.share(
        2,
        &later.with_prefix("00000002"),
        &QUARTER,
        Hit::Share,
        json!({ "extranonce": "0102030405060708" }),
    );
    s.share(
        2,
        &other,
        &QUARTER,
        Hit::Share,
        json!({ "extranonce": "0102030405060709" }),
    );
    s.step(json!({ "cmd": "closeChannel", "channelId": 3 }));
    s.template(100, 3, true, 0);
    s.prev_hash(100, 3, 0xbb, TIME + 600, EASY_NBITS);
    s.share(
        2,
        &later.with_prefix("00000002"),
        &QUARTER,
        Hit::Share,
        json!({ "extranonce": "0102030405060709" }),
    );
    s.accounting(1);
    s.accounting(2);
    s.finish()
}

/// Members must have the group's size of extranonce.
fn group_of_another_size() -> Value {
    let mut s = Scenario::new("group channel of another extranonce size");
    s.step(json!({
        "cmd": "openGroup", "channelId": 100, "fullExtranonceSize": 8, "versionRollingAllowed": false,
        "poolTag": "pool",
    }));
    s.open(1, "00000001", Some(8), json!({}));
    s.open(2, "00000002", Some(4), json!({}));
    s.open(3, "0000000000000003", None, json!({}));
    for id in [1, 2, 3] {
        s.step(json!({ "cmd": "joinGroup", "channelId": id, "groupChannelId": 100 }));
    }
    s.finish()
}

/// Custom jobs on the same tip, on a later time and on another tip.
fn custom_jobs() -> Value {
    let mut s = Scenario::new("custom jobs");
    s.open(1, "00000001", Some(8), json!({ "shareBatchSize": 2 }));
    s.set_target(1, &QUARTER);
    let extranonce = json!({ "extranonce": "0102030405060708" });
    let first = s.custom_job(1, "00000001", 0xaa, TIME);
    let share = s.share(1, &first, &QUARTER, Hit::Share, extranonce.clone());
    s.share(1, &first, &QUARTER, Hit::Block, extranonce.clone());
    let second = s.custom_job(1, "00000001", 0xaa, TIME);
    s.share(
        1,
        &first,
        &QUARTER,
        Hit::Share,
        json!({ "extranonce": "1112131415161718" }),
    );
    s.share(
        1,
        &second,
        &QUARTER,
        Hit::Share,
        json!({ "extranonce": "2122232425262728" }),
    );
    // the same coinbase under another job id: the same header, so the share is a duplicate
    let mut again = share.clone();
    again["jobId"] = json!(second.job_id());
    s.send(&again);
    let third = s.custom_job(1, "00000001", 0xaa, TIME + 30);
    s.share(
        1,
        &second,
        &QUARTER,
        Hit::Share,
        json!({ "extranonce": "3132333435363738" }),
    );
    s.share(
        1,
        &third,
        &QUARTER,
        Hit::Share,
        json!({ "extranonce": "3132333435363738" }),
    );
    let fourth = s.custom_job(1, "00000001", 0xbb, TIME + 60);
    s.share(
        1,
        &third,
        &QUARTER,
        Hit::Share,
        json!({ "extranonce": "4142434445464748" }),
    );
    s.share(
        1,
        &first,
        &QUARTER,
        Hit::Share,
        json!({ "extranonce": "4142434445464748" }),
    );
    s.share(
        1,
        &fourth,
        &QUARTER,
        Hit::Block,
        json!({ "extranonce": "4142434445464748" }),
    );
    s.step(json!({
        "cmd": "setCustomMiningJob", "channelId": 1,
        "job": {
            "channelId": 1, "requestId": 10, "miningJobToken": "", "version": 1, "prevHash": "cc".repeat(32),
            "minNtime": TIME, "nbits": EASY_NBITS, "coinbaseTxVersion": 2, "coinbasePrefix": "aa".repeat(89),
            "coinbaseTxInputNSequence": 0, "coinbaseTxOutputs": "00", "coinbaseTxLocktime": 0, "merklePath": [],
        },
    }));
    s.accounting(1);
    s.finish()
}

/// When SubmitShares.Success is due and what it sums up; blocks end a batch early.
fn batches() -> Value {
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
fn targets() -> Value {
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
fn past_jobs() -> Value {
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
fn extranonce_prefixes() -> Value {
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
fn previous_hashes() -> Value {
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
fn block_one() -> Value {
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
