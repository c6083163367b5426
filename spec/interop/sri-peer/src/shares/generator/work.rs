//! Random templates, previous hashes and custom jobs.

use super::{job_of, Session, ANY_TARGET, NBITS};
use crate::hex;
use serde_json::{json, Value};
use std::io::{self, Write};

impl<W: Write> Session<W> {
    /// A template with odd outputs and versions now and then, and the pool's outputs for it.
    fn template(&mut self, future: bool) -> (Value, String) {
        self.template_id += 1;
        let value = 312_500_000 + self.below(10_000_000);
        let witness = self.chance(500);
        let commitment = if witness {
            format!("0000000000000000266a24aa21a9ed{}", self.random_hex(32))
        } else {
            String::new()
        };
        let path: Vec<String> = (0..self.below(5)).map(|_| self.random_hex(32)).collect();
        let height = hex::encode(&self.height.to_le_bytes()[..3]);
        // sometimes the outputs do not add up to what the template has to give
        let paid = if self.chance(30) { value - 1 } else { value };
        let outputs = format!(
            "01{}160014{}",
            hex::encode(&paid.to_le_bytes()),
            self.random_hex(20)
        );
        let template = json!({
            "templateId": self.template_id.to_string(),
            "futureTemplate": future,
            "version": if self.chance(100) { 0x2000_0004_u32 } else { 0x2000_0000 },
            "coinbaseTxVersion": 2,
            "coinbasePrefix": format!("03{height}"),
            "coinbaseTxInputSequence": 0xffff_fffe_u32,
            "coinbaseTxValueRemaining": value.to_string(),
            "coinbaseTxOutputsCount": u32::from(witness),
            "coinbaseTxOutputs": commitment,
            "coinbaseTxLocktime": self.height - 1,
            "merklePath": path,
        });
        (template, outputs)
    }

    /// A template of random contents for one channel or group. Returns whether it makes a job.
    pub(super) fn new_template(&mut self, producer: u32, future: bool) -> io::Result<bool> {
        let (template, outputs) = self.template(future);
        let answer = self.step(json!({
            "cmd": "newTemplate", "channelId": producer, "template": template, "coinbaseOutputs": outputs,
        }))?;
        if !future {
            self.learn(producer, &answer);
        }
        Ok(answer.get("error").is_none())
    }

    /// A new previous hash for the latest template; now and then the same one again.
    pub(super) fn new_prev_hash(&mut self, producer: u32) -> io::Result<()> {
        self.height += 1;
        self.time += self.below(600) as u32;
        let nbits = NBITS[self.below(3) as usize];
        let prev_hash = self.random_hex(32);
        let answer = self.step(json!({
            "cmd": "setNewPrevHash", "channelId": producer,
            "prevHash": {
                "templateId": self.template_id.to_string(),
                "prevHash": prev_hash,
                "headerTimestamp": self.time,
                "nBits": nbits,
                "target": hex::encode(&ANY_TARGET),
            },
        }))?;
        self.on_new_prev_hash(producer, &answer)
    }

    /// With the error of an unknown template the reference mines on as before, and rx-sv2 does not.
    fn on_new_prev_hash(&mut self, producer: u32, answer: &Value) -> io::Result<()> {
        if answer.get("error").is_some() {
            return self.reopen(producer);
        }
        self.learn(producer, answer);
        Ok(())
    }

    /// A previous hash for a template that was never sent: an error with future jobs waiting, else a new tip.
    pub(super) fn unknown_prev_hash(&mut self, producer: u32) -> io::Result<()> {
        let waiting = self.chance(500);
        if waiting {
            self.new_template(producer, true)?;
        }
        let prev_hash = self.random_hex(32);
        let answer = self.step(json!({
            "cmd": "setNewPrevHash", "channelId": producer,
            "prevHash": {
                "templateId": "18446744073709551615",
                "prevHash": prev_hash,
                "headerTimestamp": self.time,
                "nBits": NBITS[0],
                "target": hex::encode(&ANY_TARGET),
            },
        }))?;
        self.on_new_prev_hash(producer, &answer)
    }

    /// A custom job, half of the time on the tip of the last one.
    pub(super) fn custom_job(&mut self, id: u32) -> io::Result<()> {
        let index = self
            .channels
            .iter()
            .position(|channel| channel.id == id)
            .expect("an open channel");
        let same_tip = self.chance(500) && !self.channels[index].jobs.is_empty();
        let nbits = NBITS[self.below(2) as usize];
        let path: Vec<String> = (0..self.below(4)).map(|_| self.random_hex(32)).collect();
        let (prev_hash, min_ntime) = if same_tip {
            let last = self.channels[index].jobs.last().expect("a job");
            (format!("{id:02x}").repeat(32), last.min_ntime)
        } else {
            self.time += 1;
            (self.random_hex(32), self.time)
        };
        let size = self.channels[index].prefix_size + self.channels[index].extranonce_size.unwrap_or(0);
        let outputs = format!(
            "01{}160014{}",
            hex::encode(&5_000_000_000_u64.to_le_bytes()),
            self.random_hex(20)
        );
        let job = json!({
            "channelId": id, "requestId": 1, "miningJobToken": "", "version": 0x2000_0000_u32,
            "prevHash": prev_hash, "minNtime": min_ntime, "nbits": nbits, "coinbaseTxVersion": 2,
            "coinbasePrefix": format!("03aabbcc{size:02x}"), "coinbaseTxInputNSequence": u32::MAX,
            "coinbaseTxOutputs": outputs, "coinbaseTxLocktime": 0, "merklePath": path,
        });
        let answer = self.step(json!({ "cmd": "setCustomMiningJob", "channelId": id, "job": job }))?;
        if let Some(job) = job_of(&answer) {
            self.channels[index].jobs.push(job);
        }
        Ok(())
    }
}
