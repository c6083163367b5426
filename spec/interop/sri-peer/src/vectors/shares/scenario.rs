//! A written session: commands, answers, and shares that are mined as they are needed.

use crate::hex;
use crate::shares::Engine;
use serde_json::{json, Value};
use stratum_core::bitcoin::block::{Header, Version};
use stratum_core::bitcoin::hashes::{sha256d, Hash};
use stratum_core::bitcoin::{BlockHash, CompactTarget, Target, TxMerkleNode};
use stratum_core::channels_sv2::merkle_root::merkle_root_from_path;

/// What the hash of a share is good for.
#[derive(Clone, Copy, PartialEq)]
pub enum Hit {
    /// It meets neither the channel's target nor the network's.
    Nothing,
    /// It meets the channel's target only.
    Share,
    /// It meets the network's target.
    Block,
}

/// Of 64 hashes about one is a block.
pub const EASY_NBITS: u32 = 0x2003_ffff;
/// A target that about one of four hashes meets.
pub const QUARTER: [u8; 32] = {
    let mut target = [0xff; 32];
    target[31] = 0x3f;
    target
};

/// A session being written.
pub struct Scenario {
    name: &'static str,
    engine: Engine,
    steps: Vec<Value>,
    sequence: u32,
}

/// A job and the tip it is mined on.
#[derive(Clone)]
pub struct Work {
    job: Value,
    /// Extranonce prefix of the job's channel; unused for standard jobs.
    prefix: Vec<u8>,
    prev_hash: [u8; 32],
    min_ntime: u32,
    nbits: u32,
}

impl Work {
    /// A copy whose extranonce starts differently.
    pub fn with_prefix(&self, prefix: &str) -> Self {
        Self {
            prefix: hex::decode(prefix).expect("hexadecimal"),
            ..self.clone()
        }
    }

    /// A copy of another channel's job: same tip.
    pub fn with_job(&self, answer: &Value) -> Self {
        Self {
            job: answer["job"]["payload"].clone(),
            ..self.clone()
        }
    }

    /// The job's number.
    pub fn job_id(&self) -> u64 {
        self.job["jobId"].as_u64().expect("a job id")
    }
}

impl Scenario {
    /// An empty session.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            engine: Engine::default(),
            steps: Vec::new(),
            sequence: 0,
        }
    }

    /// The written session.
    pub fn finish(self) -> Value {
        json!({ "name": self.name, "steps": self.steps })
    }

    /// Carries out `command` and writes it down with its answer.
    pub fn step(&mut self, command: Value) -> Value {
        let answer = self.engine.apply(&command);
        self.steps
            .push(json!({ "command": command, "answer": answer.clone() }));
        answer
    }

    /// Opens a standard channel (`extranonce_size` none) or an extended one with usual settings; members of
    /// `change` replace them.
    pub fn open(&mut self, id: u32, prefix: &str, extranonce_size: Option<u32>, change: Value) -> Value {
        let mut command = json!({
            "cmd": if extranonce_size.is_some() { "openExtended" } else { "openStandard" },
            "channelId": id, "userIdentity": "user.worker", "extranoncePrefix": prefix,
            "maxTarget": "ff".repeat(32), "nominalHashRate": 0, "sharesPerMinute": 6, "shareBatchSize": 1,
            "poolTag": "pool",
        });
        if let Some(size) = extranonce_size {
            command["extranonceSize"] = json!(size);
            command["versionRollingAllowed"] = json!(true);
        }
        for (name, value) in change.as_object().expect("an object") {
            command[name] = value.clone();
        }
        self.step(command)
    }

    /// Sets the target that a channel's next jobs get.
    pub fn set_target(&mut self, id: u32, target: &[u8; 32]) {
        self.step(json!({ "cmd": "setTarget", "channelId": id, "target": hex::encode(target) }));
    }

    /// Gives a channel or group a template of one reward output, one witness commitment and `path_length` hashes.
    pub fn template(&mut self, id: u32, template_id: u64, future: bool, path_length: u8) -> Value {
        let path: Vec<String> = (0..path_length).map(|i| hex::encode(&[0x10 + i; 32])).collect();
        self.step(json!({
            "cmd": "newTemplate", "channelId": id,
            "template": {
                "templateId": template_id.to_string(), "futureTemplate": future, "version": 0x2000_0000_u32,
                "coinbaseTxVersion": 2, "coinbasePrefix": "0300350c", "coinbaseTxInputSequence": 0xffff_fffe_u32,
                "coinbaseTxValueRemaining": "312500000", "coinbaseTxOutputsCount": 1,
                "coinbaseTxOutputs": format!("0000000000000000266a24aa21a9ed{}", "5a".repeat(32)),
                "coinbaseTxLocktime": 799_999, "merklePath": path,
            },
            "coinbaseOutputs": format!("01205fa01200000000160014{}", "77".repeat(20)),
        }))
    }

    /// Gives a channel or group a new previous hash of repeated `byte`; the answer's job becomes work.
    pub fn prev_hash(&mut self, id: u32, template_id: u64, byte: u8, time: u32, nbits: u32) -> Work {
        let answer = self.step(json!({
            "cmd": "setNewPrevHash", "channelId": id,
            "prevHash": {
                "templateId": template_id.to_string(), "prevHash": hex::encode(&[byte; 32]),
                "headerTimestamp": time, "nBits": nbits, "target": "ff".repeat(32),
            },
        }));
        Work {
            job: answer["job"]["payload"].clone(),
            prefix: Vec::new(),
            prev_hash: [byte; 32],
            min_ntime: time,
            nbits,
        }
    }

    /// Gives a channel a custom job on a tip of repeated `byte`.
    pub fn custom_job(&mut self, id: u32, prefix: &str, byte: u8, time: u32) -> Work {
        let answer = self.step(json!({
            "cmd": "setCustomMiningJob", "channelId": id,
            "job": {
                "channelId": id, "requestId": 9, "miningJobToken": "c0ffee", "version": 0x2000_0000_u32,
                "prevHash": hex::encode(&[byte; 32]), "minNtime": time, "nbits": EASY_NBITS,
                "coinbaseTxVersion": 2, "coinbasePrefix": "0300350c0c", "coinbaseTxInputNSequence": u32::MAX,
                "coinbaseTxOutputs": format!("0100f2052a01000000160014{}", "33".repeat(20)),
                "coinbaseTxLocktime": 0, "merklePath": [hex::encode(&[0x44; 32])],
            },
        }));
        Work {
            job: answer["job"]["payload"].clone(),
            prefix: hex::decode(prefix).expect("hexadecimal"),
            prev_hash: [byte; 32],
            min_ntime: time,
            nbits: EASY_NBITS,
        }
    }

    /// Sends a share of `work` for `channel` whose hash is a `hit` under `target`; members of `change` replace
    /// fields before it is mined. Returns the command, to be sent again.
    pub fn share(&mut self, channel: u32, work: &Work, target: &[u8; 32], hit: Hit, change: Value) -> Value {
        let mut command = json!({
            "cmd": "share", "channelId": channel, "sequenceNumber": 0, "jobId": work.job_id(),
            "nonce": 0, "ntime": work.min_ntime, "version": work.job["version"],
        });
        if work.job.get("merkleRoot").is_none() {
            command["extranonce"] = json!("");
        }
        for (name, value) in change.as_object().expect("an object") {
            command[name] = value.clone();
        }
        let nonce = (0..1 << 20).find(|nonce| {
            command["nonce"] = json!(nonce);
            hit_of(&header(work, &command), target) == hit
        });
        command["nonce"] = json!(nonce.expect("a nonce is found quickly under such targets"));
        self.send(&command);
        command
    }

    /// Sends a share as it is, with the next sequence number.
    pub fn send(&mut self, share: &Value) -> Value {
        self.sequence += 1;
        let mut share = share.clone();
        share["sequenceNumber"] = json!(self.sequence);
        self.step(share)
    }

    /// Asks for a channel's accounting.
    pub fn accounting(&mut self, id: u32) {
        self.step(json!({ "cmd": "accounting", "channelId": id }));
    }
}

/// What a header's hash is good for.
fn hit_of(header: &Header, target: &[u8; 32]) -> Hit {
    let hash = header.block_hash();
    if Target::from_compact(header.bits).is_met_by(hash) {
        Hit::Block
    } else if Target::from_le_bytes(*target).is_met_by(hash) {
        Hit::Share
    } else {
        Hit::Nothing
    }
}

/// The header that a share commits to.
fn header(work: &Work, share: &Value) -> Header {
    let number = |name: &str| share[name].as_u64().expect("a number") as u32;
    let text = |value: &Value| hex::decode(value.as_str().expect("hexadecimal")).expect("hexadecimal");
    let root: [u8; 32] = match work.job.get("merkleRoot") {
        Some(root) => text(root).try_into().expect("32 bytes"),
        None => {
            let path: Vec<Vec<u8>> = work.job["merklePath"]
                .as_array()
                .expect("an array")
                .iter()
                .map(text)
                .collect();
            let extranonce = [&work.prefix[..], &text(&share["extranonce"])].concat();
            merkle_root_from_path(
                &text(&work.job["coinbaseTxPrefix"]),
                &text(&work.job["coinbaseTxSuffix"]),
                &extranonce,
                &path,
            )
            // a wrong extranonce size makes no coinbase: any header will do
            .unwrap_or_default()
        }
    };
    Header {
        version: Version::from_consensus(number("version") as i32),
        prev_blockhash: BlockHash::from_byte_array(work.prev_hash),
        merkle_root: TxMerkleNode::from_raw_hash(sha256d::Hash::from_byte_array(root)),
        time: number("ntime"),
        bits: CompactTarget::from_consensus(work.nbits),
        nonce: number("nonce"),
    }
}
