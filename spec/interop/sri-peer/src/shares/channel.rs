//! The reference's three kinds of channels behind one type.

use super::answer;
use super::fields::{Fields, Result};
use crate::hex;
use serde_json::{json, Value};
use std::collections::BTreeSet;
use stratum_core::binary_sv2::{Seq0255Owned, U256Owned};
use stratum_core::bitcoin::{consensus, Target, TxOut};
use stratum_core::channels_sv2::extranonce_manager::{AllocatedExtranoncePrefix, ExtranonceAllocator};
use stratum_core::channels_sv2::server::extended::ExtendedChannel;
use stratum_core::channels_sv2::server::group::GroupChannel;
use stratum_core::channels_sv2::server::jobs::extended::ExtendedJob;
use stratum_core::channels_sv2::server::standard::StandardChannel;
use stratum_core::mining_sv2::SetCustomMiningJobOwned;
use stratum_core::parsers_sv2::MiningOwned;
use stratum_core::template_distribution_sv2::{NewTemplateOwned, SetNewPrevHashOwned};

/// A channel of any kind.
pub enum Channel {
    /// A standard channel.
    Standard(StandardChannel),
    /// An extended channel.
    Extended(ExtendedChannel),
    /// A group channel and its members.
    Group(GroupChannel, BTreeSet<u32>),
}

/// The reference only takes prefixes of its allocator: makes it give exactly `prefix`.
///
/// The allocator numbers channels in the last byte, so it is asked until that byte comes up.
pub fn allocate(prefix: &[u8]) -> Result<AllocatedExtranoncePrefix> {
    let (last, first) = prefix
        .split_last()
        .ok_or("an extranonce prefix must not be empty")?;
    let length = u8::try_from(prefix.len()).map_err(|_| "the extranonce prefix is too long")?;
    let mut allocator = ExtranonceAllocator::from_upstream_prefix(first.to_vec(), vec![], length, 256)
        .map_err(|error| format!("extranoncePrefix: {error}"))?;
    for _ in 0..*last {
        allocator.allocate_standard().map_err(|error| error.to_string())?;
    }
    let allocated = allocator.allocate_standard().map_err(|error| error.to_string())?;
    assert_eq!(
        allocated.as_bytes(),
        prefix,
        "the allocator gives the prefix asked for"
    );
    Ok(allocated)
}

/// A target of 32 bytes in wire order.
pub fn target(fields: Fields, name: &str) -> Result<Target> {
    fields.hash(name).map(Target::from_le_bytes)
}

/// Hexadecimal of a target in wire order.
pub fn target_hex(target: &Target) -> String {
    hex::encode(&target.to_le_bytes())
}

/// A NewTemplate from its payload.
pub fn new_template(fields: Fields) -> Result<NewTemplateOwned> {
    Ok(NewTemplateOwned {
        template_id: fields.int("templateId")?,
        future_template: fields.bool("futureTemplate")?,
        version: fields.int("version")?,
        coinbase_tx_version: fields.int("coinbaseTxVersion")?,
        coinbase_prefix: fields.bounded("coinbasePrefix")?,
        coinbase_tx_input_sequence: fields.int("coinbaseTxInputSequence")?,
        coinbase_tx_value_remaining: fields.int("coinbaseTxValueRemaining")?,
        coinbase_tx_outputs_count: fields.int("coinbaseTxOutputsCount")?,
        coinbase_tx_outputs: fields.bounded("coinbaseTxOutputs")?,
        coinbase_tx_locktime: fields.int("coinbaseTxLocktime")?,
        merkle_path: merkle_path(fields)?,
    })
}

/// A SetNewPrevHash of the Template Distribution Protocol from its payload.
pub fn set_new_prev_hash(fields: Fields) -> Result<SetNewPrevHashOwned> {
    Ok(SetNewPrevHashOwned {
        template_id: fields.int("templateId")?,
        prev_hash: fields.hash("prevHash")?.into(),
        header_timestamp: fields.int("headerTimestamp")?,
        n_bits: fields.int("nBits")?,
        target: fields.hash("target")?.into(),
    })
}

/// A SetCustomMiningJob from its payload.
pub fn custom_job(fields: Fields) -> Result<SetCustomMiningJobOwned> {
    Ok(SetCustomMiningJobOwned {
        channel_id: fields.int("channelId")?,
        request_id: fields.int("requestId")?,
        token: fields.bounded("miningJobToken")?,
        version: fields.int("version")?,
        prev_hash: fields.hash("prevHash")?.into(),
        min_ntime: fields.int("minNtime")?,
        nbits: fields.int("nbits")?,
        coinbase_tx_version: fields.int("coinbaseTxVersion")?,
        coinbase_prefix: fields.bounded("coinbasePrefix")?,
        coinbase_tx_input_n_sequence: fields.int("coinbaseTxInputNSequence")?,
        coinbase_tx_outputs: fields.bounded("coinbaseTxOutputs")?,
        coinbase_tx_locktime: fields.int("coinbaseTxLocktime")?,
        merkle_path: merkle_path(fields)?,
    })
}

/// The outputs that the pool adds to a coinbase: a CompactSize count and that many serialized outputs.
pub fn coinbase_outputs(fields: Fields) -> Result<Vec<TxOut>> {
    consensus::deserialize(&fields.bytes("coinbaseOutputs")?)
        .map_err(|error| format!("coinbaseOutputs: {error}"))
}

fn merkle_path(fields: Fields) -> Result<Seq0255Owned<U256Owned>> {
    Seq0255Owned::new(fields.hashes("merklePath")?).map_err(|_| "merklePath: too long".to_owned())
}

impl Channel {
    /// The job made last of the template `template_id`: future or active.
    pub fn job_of_template(&self, template_id: u64) -> Option<Value> {
        let job = match self {
            Self::Standard(channel) => {
                let future = channel.get_future_job_id_from_template_id(template_id);
                let job = match future {
                    Some(id) => channel.get_future_job(id),
                    None => channel.get_active_job(),
                };
                MiningOwned::NewMiningJob(job?.get_job_message().clone())
            }
            Self::Extended(channel) => {
                let future = channel.get_future_job_id_from_template_id(template_id);
                let job = match future {
                    Some(id) => channel.get_future_job(id),
                    None => channel.get_active_job(),
                };
                MiningOwned::NewExtendedMiningJob(job?.get_job_message().clone())
            }
            Self::Group(channel, _) => {
                MiningOwned::NewExtendedMiningJob(group_job(channel, template_id)?.get_job_message().clone())
            }
        };
        Some(answer::message(job))
    }

    /// The active job, as it was sent or as activation left it.
    pub fn active_job(&self) -> Option<Value> {
        let job = match self {
            Self::Standard(channel) => {
                MiningOwned::NewMiningJob(channel.get_active_job()?.get_job_message().clone())
            }
            Self::Extended(channel) => {
                MiningOwned::NewExtendedMiningJob(channel.get_active_job()?.get_job_message().clone())
            }
            Self::Group(channel, _) => {
                MiningOwned::NewExtendedMiningJob(channel.get_active_job()?.get_job_message().clone())
            }
        };
        Some(answer::message(job))
    }

    /// What the channel was opened with or updated to.
    pub fn state(&self) -> Value {
        match self {
            Self::Standard(channel) => json!({
                "ok": true,
                "target": target_hex(channel.get_target()),
                "extranoncePrefix": hex::encode(channel.get_extranonce_prefix()),
            }),
            Self::Extended(channel) => json!({
                "ok": true,
                "target": target_hex(channel.get_target()),
                "extranoncePrefix": hex::encode(channel.get_extranonce_prefix()),
                "extranonceSize": channel.get_rollable_extranonce_size(),
            }),
            Self::Group(channel, members) => json!({
                "ok": true,
                "fullExtranonceSize": channel.get_full_extranonce_size(),
                "members": members,
            }),
        }
    }
}

/// The job a group channel made of a template: future or active.
pub fn group_job(channel: &GroupChannel, template_id: u64) -> Option<ExtendedJob> {
    match channel.get_future_job_id_from_template_id(template_id) {
        Some(id) => channel.get_future_job(id).cloned(),
        None => channel.get_active_job().cloned(),
    }
}
