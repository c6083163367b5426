//! Jobs that the reference's factory makes of templates.

use crate::hex;
use crate::shares::{self, message};
use serde_json::{json, Value};
use stratum_core::bitcoin::consensus;
use stratum_core::channels_sv2::chain_tip::ChainTip;
use stratum_core::channels_sv2::server::jobs::error::JobFactoryError;
use stratum_core::channels_sv2::server::jobs::factory::JobFactory;
use stratum_core::parsers_sv2::MiningOwned;

/// One case: a template and everything else that goes into a job, with defaults.
fn inputs(case: &str, change: Value) -> Value {
    let mut inputs = json!({
        "case": case,
        "template": {
            "templateId": "1", "futureTemplate": true, "version": 0x2000_0000_u32, "coinbaseTxVersion": 2,
            "coinbasePrefix": "0300350c", "coinbaseTxInputSequence": 0xffff_fffe_u32,
            "coinbaseTxValueRemaining": "312500000", "coinbaseTxOutputsCount": 1,
            "coinbaseTxOutputs": format!("0000000000000000266a24aa21a9ed{}", "5a".repeat(32)),
            "coinbaseTxLocktime": 799_999, "merklePath": ["11".repeat(32), "22".repeat(32)],
        },
        "coinbaseOutputs": format!("01205fa01200000000160014{}", "77".repeat(20)),
        "poolTag": "pool", "minerTag": Value::Null, "versionRollingAllowed": true, "channelId": 1,
        "extranoncePrefix": "0011223344556677", "extranonceSize": 4, "tip": Value::Null,
    });
    for (name, value) in change.as_object().expect("an object") {
        match name.strip_prefix("template.") {
            Some(name) => inputs["template"][name] = value.clone(),
            None => inputs[name] = value.clone(),
        }
    }
    inputs
}

/// Every case with the three kinds of jobs made of it.
pub fn vectors() -> Value {
    let tip = json!({ "prevHash": "aa".repeat(32), "nbits": 0x1d00_ffff, "minNtime": 1_700_000_000 });
    let two_outputs = format!(
        "0200e1f50500000000160014{}20 7eaa0c00000000 1976a914{}88ac",
        "77".repeat(20),
        "88".repeat(20)
    );
    let many: String = (0..100)
        .map(|i| format!("0100000000000000160014{}", hex::encode(&[i; 20])))
        .collect();
    [
        inputs("future template", json!({})),
        inputs("template for the tip", json!({ "template.futureTemplate": false, "tip": tip })),
        inputs("template for the tip without a tip", json!({ "template.futureTemplate": false })),
        inputs("pool and miner tag", json!({ "minerTag": "miner/1" })),
        inputs("no tags", json!({ "poolTag": Value::Null })),
        inputs("empty tags", json!({ "poolTag": "", "minerTag": "" })),
        inputs("tag beyond ASCII", json!({ "poolTag": "pöøl⛏" })),
        inputs("no version rolling", json!({ "versionRollingAllowed": false })),
        inputs("empty block", json!({ "template.merklePath": [], "template.coinbaseTxOutputs": "", "template.coinbaseTxOutputsCount": 0 })),
        inputs("deep merkle path", json!({ "template.merklePath": (0..16).map(|i| hex::encode(&[i; 32])).collect::<Vec<_>>() })),
        inputs("long height", json!({ "template.coinbasePrefix": "0440420f0000000000"[..16].to_owned() })),
        inputs("no coinbase prefix", json!({ "template.coinbasePrefix": "" })),
        inputs("two reward outputs", json!({ "coinbaseOutputs": two_outputs.replace(' ', "") })),
        inputs("hundred template outputs", json!({ "template.coinbaseTxOutputs": many, "template.coinbaseTxOutputsCount": 100 })),
        inputs("other transaction version, sequence and lock time", json!({
            "template.coinbaseTxVersion": 1, "template.coinbaseTxInputSequence": u32::MAX, "template.coinbaseTxLocktime": 0,
            "template.version": 0x3fff_e004,
        })),
        inputs("all extranonce is prefix", json!({ "extranoncePrefix": "ab".repeat(32), "extranonceSize": 0 })),
        inputs("largest extranonce", json!({ "extranoncePrefix": "ab".repeat(16), "extranonceSize": 16 })),
        inputs("largest script", json!({ "extranoncePrefix": "ab".repeat(28), "poolTag": "p".repeat(56) })),
        inputs("script too large", json!({ "extranoncePrefix": "ab".repeat(28), "poolTag": "p".repeat(57) })),
        inputs("tag too long for its push", json!({ "extranoncePrefix": "ab", "extranonceSize": 1, "poolTag": "p".repeat(70) })),
        inputs("longest tag", json!({ "extranoncePrefix": "ab", "extranonceSize": 1, "poolTag": "p".repeat(69) })),
        inputs("rewards below the value remaining", json!({ "template.coinbaseTxValueRemaining": "312500001" })),
        inputs("rewards above the value remaining", json!({ "template.coinbaseTxValueRemaining": "312499999" })),
        inputs("nothing remaining", json!({ "template.coinbaseTxValueRemaining": "0", "coinbaseOutputs": "00" })),
        inputs("fewer outputs than counted", json!({ "template.coinbaseTxOutputsCount": 2 })),
        inputs("outputs that are none", json!({ "template.coinbaseTxOutputs": "ffff" })),
        inputs("custom job with the tip", json!({ "tip": tip })),
    ]
    .into_iter()
    .map(vector)
    .collect()
}

/// A case with a standard job, an extended job and, given a tip, a custom job; or the error there was.
fn vector(mut inputs: Value) -> Value {
    let made = make(&inputs).expect("the cases are well formed");
    for (name, value) in made {
        inputs[name] = value;
    }
    inputs
}

fn make(inputs: &Value) -> shares::Result<[(&'static str, Value); 4]> {
    let fields = shares::Fields::of(inputs)?;
    let template = shares::new_template(fields.object("template")?)?;
    let outputs = shares::coinbase_outputs(fields)?;
    let prefix = fields.bytes("extranoncePrefix")?;
    let full_size = prefix.len() + fields.int::<usize>("extranonceSize")?;
    let channel_id = fields.int("channelId")?;
    let tag = |name| {
        fields
            .has(name)
            .then(|| fields.text(name).map(str::to_owned))
            .transpose()
    };
    let tip = match fields.has("tip") {
        true => {
            let tip = fields.object("tip")?;
            Some(ChainTip::new(
                tip.hash("prevHash")?.into(),
                tip.int("nbits")?,
                tip.int("minNtime")?,
            ))
        }
        false => None,
    };
    let factory = JobFactory::new(
        fields.bool("versionRollingAllowed")?,
        tag("poolTag")?,
        tag("minerTag")?,
    );
    let standard = factory.clone().new_standard_job(
        channel_id,
        tip.clone(),
        prefix.clone(),
        template.clone(),
        outputs.clone(),
    );
    let extended = factory.clone().new_extended_job(
        channel_id,
        tip.clone(),
        prefix,
        template.clone(),
        outputs.clone(),
        full_size,
    );
    let custom = tip.map(|tip| {
        let token = vec![0xc0, 0xff, 0xee].try_into().expect("a short token");
        factory.new_custom_job(channel_id, 9, token, tip, template, outputs, full_size)
    });
    let with_witness = extended.as_ref().ok().map(|job| {
        json!({
            "coinbaseTxPrefix": hex::encode(&job.get_coinbase_tx_prefix_with_bip141()),
            "coinbaseTxSuffix": hex::encode(&job.get_coinbase_tx_suffix_with_bip141()),
            "coinbaseTxOutputs": hex::encode(&consensus::serialize(&job.get_coinbase_outputs().to_vec())),
        })
    });
    Ok([
        (
            "standard",
            answer(standard.map(|job| MiningOwned::NewMiningJob(job.get_job_message().clone()))),
        ),
        (
            "extended",
            answer(extended.map(|job| MiningOwned::NewExtendedMiningJob(job.get_job_message().clone()))),
        ),
        ("withWitness", with_witness.unwrap_or_default()),
        (
            "custom",
            custom
                .map(|custom| answer(custom.map(MiningOwned::SetCustomMiningJob)))
                .unwrap_or_default(),
        ),
    ])
}

/// A message, or the error there was instead.
fn answer(result: Result<MiningOwned, JobFactoryError>) -> Value {
    match result {
        Ok(job) => message(job),
        Err(error) => json!({ "error": format!("{error:?}") }),
    }
}
