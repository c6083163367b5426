//! `sri-peer shares --seed N --count N`: a random session, the same for the same seed, with the reference's answers.

mod work;

use super::Engine;
use crate::hex;
use crate::rng::SplitMix;
use serde_json::{json, Map, Value};
use std::io::{self, Write};

/// The largest target: every hash meets it.
const ANY_TARGET: [u8; 32] = [0xff; 32];
/// Of 32 hashes about one is a block, then one of 512, then none.
const NBITS: [u32; 3] = [0x2007_ffff, 0x1f7f_ffff, 0x1d00_ffff];

/// A session of `count` shares as a list of `{"command": …, "answer": …}`.
pub fn steps(seed: u64, count: u64) -> Vec<Value> {
    let mut lines = Vec::new();
    generate(seed, count, &mut lines).expect("memory can be written to");
    serde_json::Deserializer::from_slice(&lines)
        .into_iter()
        .map(|step| step.expect("JSON"))
        .collect()
}

/// Writes one line `{"command": …, "answer": …}` for each step of a session of `count` shares.
///
/// Shares are mutated in every field; between them come templates, previous hashes, custom jobs, and changes of
/// targets and extranonce prefixes.
pub fn generate(seed: u64, count: u64, output: impl Write) -> io::Result<()> {
    let mut session = Session {
        engine: Engine::default(),
        numbers: SplitMix::new(seed),
        output: io::BufWriter::new(output),
        channels: Vec::new(),
        groups: Vec::new(),
        template_id: 0,
        height: 800_000,
        time: 1_700_000_000,
    };
    session.open()?;
    for _ in 0..count {
        session.between_shares()?;
        session.share()?;
    }
    for index in 0..session.channels.len() {
        let id = session.channels[index].id;
        session.step(json!({ "cmd": "accounting", "channelId": id }))?;
    }
    session.output.flush()
}

/// A job as a miner knows it.
#[derive(Clone)]
struct Job {
    id: u32,
    version: u32,
    min_ntime: u32,
}

/// A channel that shares can be sent on.
#[derive(Clone)]
struct Miner {
    id: u32,
    /// Who makes its jobs: the channel itself, its group, or nobody for a channel of custom jobs.
    producer: Option<u32>,
    /// Bytes of extranonce in a share; none for a standard channel.
    extranonce_size: Option<usize>,
    prefix_size: usize,
    /// Whether its jobs may have other versions, and its shares in one acknowledgement.
    rolling: bool,
    batch: usize,
    /// The highest byte of the largest target it accepts; the others are all ones.
    max_target: u8,
    jobs: Vec<Job>,
    sent: Vec<Value>,
    sequence: u32,
}

struct Session<W: Write> {
    engine: Engine,
    numbers: SplitMix,
    output: io::BufWriter<W>,
    channels: Vec<Miner>,
    /// Their id, bytes of a whole extranonce, and whether their jobs may have other versions.
    groups: Vec<(u32, usize, bool)>,
    template_id: u64,
    height: u32,
    time: u32,
}

impl<W: Write> Session<W> {
    /// A number below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.numbers.next() % limit
    }

    /// True in `percent` of 1000 cases.
    fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    fn random_hex(&mut self, length: usize) -> String {
        let bytes: Vec<u8> = (0..length).map(|_| self.numbers.next() as u8).collect();
        hex::encode(&bytes)
    }

    /// Carries out `command` and writes it down with its answer.
    fn step(&mut self, command: Value) -> io::Result<Value> {
        let answer = self.engine.apply(&command);
        writeln!(self.output, "{}", json!({ "command": command, "answer": answer }))?;
        Ok(answer)
    }

    /// Channels of every kind: standard, extended with and without version rolling, two groups, custom work.
    fn open(&mut self) -> io::Result<()> {
        self.groups = vec![(10, 12, true), (20, 9, false)];
        for (id, size, rolling) in self.groups.clone() {
            self.open_group(id, size, rolling)?;
        }
        self.open_channel(1, Some(1), 8, None, true, 10)?;
        self.open_channel(2, Some(2), 4, Some(8), true, 5)?;
        self.open_channel(3, Some(3), 5, Some(3), false, 1)?;
        self.open_channel(4, None, 6, Some(4), true, 3)?;
        self.open_channel(5, None, 6, Some(4), false, 2)?;
        self.open_channel(11, Some(10), 12, None, true, 4)?;
        self.open_channel(12, Some(10), 4, Some(8), true, 4)?;
        self.open_channel(13, Some(10), 10, Some(2), true, 4)?;
        self.open_channel(21, Some(20), 1, Some(8), false, 6)?;
        for (member, group) in [(11, 10), (12, 10), (13, 10), (21, 20)] {
            self.step(json!({ "cmd": "joinGroup", "channelId": member, "groupChannelId": group }))?;
        }
        for producer in [1, 2, 3, 10, 20] {
            self.first_job(producer)?;
        }
        self.custom_job(4)?;
        self.custom_job(5)
    }

    fn open_group(&mut self, id: u32, size: usize, rolling: bool) -> io::Result<()> {
        self.step(json!({
            "cmd": "openGroup", "channelId": id, "fullExtranonceSize": size, "versionRollingAllowed": rolling,
            "poolTag": "group",
        }))?;
        Ok(())
    }

    fn open_channel(
        &mut self,
        id: u32,
        producer: Option<u32>,
        prefix_size: usize,
        extranonce_size: Option<usize>,
        rolling: bool,
        batch: usize,
    ) -> io::Result<()> {
        let mut command = json!({
            "cmd": if extranonce_size.is_some() { "openExtended" } else { "openStandard" },
            "channelId": id,
            "userIdentity": format!("user.{id}"),
            "extranoncePrefix": self.random_hex(prefix_size),
            "maxTarget": hex::encode(&ANY_TARGET),
            "nominalHashRate": 0.1,
            "sharesPerMinute": 6,
            "shareBatchSize": batch,
            "poolTag": if producer == Some(10) || producer == Some(20) { "group" } else { "pool" },
        });
        if let Some(size) = extranonce_size {
            command["extranonceSize"] = json!(size);
            command["versionRollingAllowed"] = json!(rolling);
        }
        self.step(command)?;
        let miner = Miner {
            id,
            producer,
            extranonce_size,
            prefix_size,
            rolling,
            batch,
            max_target: 0xff,
            jobs: Vec::new(),
            sent: Vec::new(),
            sequence: 0,
        };
        match self.channels.iter().position(|channel| channel.id == id) {
            Some(index) => self.channels[index] = miner,
            None => self.channels.push(miner),
        }
        Ok(())
    }

    /// A future template that makes a job, and the previous hash that activates it.
    fn first_job(&mut self, producer: u32) -> io::Result<()> {
        while !self.new_template(producer, true)? {}
        self.new_prev_hash(producer)
    }

    /// Closes and opens whatever gets its jobs from `producer`: the two sides differ about what it is to mine.
    fn reopen(&mut self, producer: u32) -> io::Result<()> {
        let members: Vec<Miner> = self
            .channels
            .iter()
            .filter(|channel| channel.producer == Some(producer))
            .cloned()
            .collect();
        for member in &members {
            self.step(json!({ "cmd": "closeChannel", "channelId": member.id }))?;
        }
        let group = self.groups.iter().find(|(id, ..)| *id == producer).copied();
        if let Some((id, size, rolling)) = group {
            self.step(json!({ "cmd": "closeChannel", "channelId": id }))?;
            self.open_group(id, size, rolling)?;
        }
        for Miner {
            id,
            prefix_size,
            extranonce_size,
            rolling,
            batch,
            ..
        } in members
        {
            self.open_channel(id, Some(producer), prefix_size, extranonce_size, rolling, batch)?;
            if group.is_some() {
                self.step(json!({ "cmd": "joinGroup", "channelId": id, "groupChannelId": producer }))?;
            }
        }
        self.first_job(producer)
    }

    /// Now and then something other than a share happens.
    fn between_shares(&mut self) -> io::Result<()> {
        let index = self.below(self.channels.len() as u64) as usize;
        let (id, producer) = (self.channels[index].id, self.channels[index].producer);
        match (self.below(1000), producer) {
            (0..=14, Some(producer)) => self.new_template(producer, false).map(drop),
            (15..=19, Some(producer)) => {
                self.new_template(producer, true)?;
                if self.chance(300) {
                    self.new_template(producer, true)?;
                }
                self.new_prev_hash(producer)
            }
            (20..=21, Some(producer)) => self.unknown_prev_hash(producer),
            (0..=21, None) => self.custom_job(id),
            (22..=41, _) => self.set_target(index),
            (42..=44, _) => self.update_channel(index),
            (45..=48, _) => self.set_extranonce_prefix(index),
            (49..=58, _) => self
                .step(json!({ "cmd": "accounting", "channelId": id }))
                .map(drop),
            _ => Ok(()),
        }
    }

    /// Easy targets that let shares through, and hard ones that only count once a block is found.
    ///
    /// None is above what the client accepts: the reference would set it, rx-sv2 does not (spec §5.3.21).
    fn set_target(&mut self, index: usize) -> io::Result<()> {
        let mut target: [u8; 32] = self.numbers.bytes();
        match self.below(6) {
            0..=2 => {}
            3 => target[31] &= 0x3f,
            4 => target[28..].fill(0),
            _ => target[25..].fill(0),
        }
        let max = self.channels[index].max_target;
        if target[31] >= max {
            target[31] = max.saturating_sub(1);
        }
        let target = if self.chance(20) { [0; 32] } else { target };
        let id = self.channels[index].id;
        self.step(json!({ "cmd": "setTarget", "channelId": id, "target": hex::encode(&target) }))?;
        Ok(())
    }

    fn update_channel(&mut self, index: usize) -> io::Result<()> {
        let id = self.channels[index].id;
        let rates = [0.0, 0.05, 0.4, 3.0, 1e6, 1e15, -1.0];
        let rate = rates[self.below(rates.len() as u64) as usize];
        let mut command = json!({ "cmd": "updateChannel", "channelId": id, "nominalHashRate": rate });
        if self.chance(500) {
            let mut max: [u8; 32] = [0xff; 32];
            max[31] = self.below(256) as u8;
            command["maximumTarget"] = json!(hex::encode(&max));
            if rate >= 0.0 {
                self.channels[index].max_target = max[31];
            }
        }
        self.step(command)?;
        Ok(())
    }

    fn set_extranonce_prefix(&mut self, index: usize) -> io::Result<()> {
        let prefix = self.random_hex(self.channels[index].prefix_size);
        let id = self.channels[index].id;
        self.step(json!({ "cmd": "setExtranoncePrefix", "channelId": id, "extranoncePrefix": prefix }))?;
        Ok(())
    }

    /// Gives the job of an answer to everyone `producer` works for.
    fn learn(&mut self, producer: u32, answer: &Value) {
        if let Some(job) = job_of(answer) {
            for channel in self
                .channels
                .iter_mut()
                .filter(|channel| channel.producer == Some(producer))
            {
                channel.jobs.push(job.clone());
            }
        }
    }

    fn share(&mut self) -> io::Result<()> {
        let index = self.below(self.channels.len() as u64) as usize;
        let again = self.channels[index].sent.len() as u64;
        let share = if again > 0 && self.chance(100) {
            let back = self.below(again.min(20));
            self.channels[index].sent[(again - 1 - back) as usize].clone()
        } else {
            self.mutated_share(index)
        };
        self.channels[index].sequence += 1;
        let mut command = json!({
            "cmd": "share", "channelId": self.channels[index].id, "sequenceNumber": self.channels[index].sequence,
        });
        for (name, value) in share.as_object().cloned().unwrap_or_else(Map::new) {
            command[name] = value;
        }
        self.channels[index].sent.push(share);
        self.step(command)?;
        Ok(())
    }

    /// A share of a known job, usually the latest one, with every field wrong now and then.
    fn mutated_share(&mut self, index: usize) -> Value {
        let known = self.channels[index].jobs.len() as u64;
        let back = if self.chance(700) {
            0
        } else {
            self.below(known.min(20))
        };
        let job = self.channels[index].jobs[(known - 1 - back) as usize].clone();
        let job_id = if self.chance(20) {
            self.numbers.next() as u32
        } else {
            job.id
        };
        let version = match self.below(100) {
            0..=39 => job.version ^ (self.numbers.next() as u32 & 0x1fff_ffe0),
            40..=44 => job.version ^ (1 << self.below(32)),
            _ => job.version,
        };
        let ntime = match self.below(100) {
            0..=3 => job.min_ntime.wrapping_sub(1 + self.below(1000) as u32),
            4..=6 => job.min_ntime + 7200,
            7..=9 => job.min_ntime + 7201 + self.below(100) as u32,
            10..=39 => job.min_ntime,
            _ => job.min_ntime + self.below(600) as u32,
        };
        let mut share = json!({ "jobId": job_id, "nonce": self.numbers.next() as u32, "ntime": ntime, "version": version });
        if let Some(size) = self.channels[index].extranonce_size {
            let size = if self.chance(30) {
                self.below(33) as usize
            } else {
                size
            };
            share["extranonce"] = json!(self.random_hex(size));
        }
        share
    }
}

/// The job of an answer, if it is one that can be mined on.
fn job_of(answer: &Value) -> Option<Job> {
    let payload = answer.get("job")?.get("payload")?;
    let number = |name: &str| payload.get(name)?.as_u64().map(|number| number as u32);
    Some(Job {
        id: number("jobId")?,
        version: number("version")?,
        min_ntime: number("minNtime")?,
    })
}
