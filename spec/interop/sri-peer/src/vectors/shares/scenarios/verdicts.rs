//! Every verdict on every kind of channel.

use super::TIME;
use crate::vectors::shares::scenario::{Hit, Scenario, Work, EASY_NBITS, QUARTER};
use serde_json::{json, Value};

/// Bits 5 to 28, which BIP 323 gives to the miner: some of them.
const ROLLED: u32 = 0x2000_0000 | 0x0a5f_ffe0;

/// Every verdict on a standard channel.
pub fn standard() -> Value {
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
fn every_verdict(s: &mut Scenario, id: u32, work: &Work, fields: Value) {
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
pub fn extended() -> Value {
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
pub fn extended_without_rolling() -> Value {
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
pub fn group() -> Value {
    let mut s = Scenario::new("group channel");
    s.step(json!({
        "cmd": "openGroup", "channelId": 100, "fullExtranonceSize": 12, "versionRollingAllowed": true,
        "poolTag": "pool",
    }));
    let standard = "000000000000000000000001";
    s.open(1, standard, None, json!({ "shareBatchSize": 2 }));
    s.open(2, "00000002", Some(8), json!({ "shareBatchSize": 2 }));
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
pub fn group_of_another_size() -> Value {
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
pub fn custom_jobs() -> Value {
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
