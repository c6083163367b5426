//! A client channel of the reference, standard or extended, and the search for nonces on it.

use serde_json::{json, Value};
use std::fmt::Debug;
use stratum_core::bitcoin::Target;
use stratum_core::channels_sv2::client::extended::ExtendedChannel;
use stratum_core::channels_sv2::client::share_accounting::{
    ShareAccounting, ShareValidationError, ShareValidationResult,
};
use stratum_core::channels_sv2::client::standard::StandardChannel;
use stratum_core::channels_sv2::extranonce_manager::ExtranoncePrefix;
use stratum_core::mining_sv2::{SubmitSharesExtendedOwned, SubmitSharesStandardOwned};
use stratum_core::parsers_sv2::MiningOwned;

/// What kind of channel to open.
pub enum Kind {
    /// A standard channel.
    Standard,
    /// An extended channel with at least so many bytes of extranonce.
    Extended {
        /// `min_extranonce_size` of OpenExtendedMiningChannel.
        extranonce_size: u16,
    },
}

/// An open channel and how far the search got.
pub struct Channel {
    inner: Inner,
    nonce: u32,
    extranonce: u64,
    sequence: u32,
}

enum Inner {
    Standard(StandardChannel),
    Extended(ExtendedChannel),
}

/// A share to submit.
pub struct Found {
    /// SubmitSharesStandard or SubmitSharesExtended.
    pub share: MiningOwned,
    /// Whether it is a block as well.
    pub block: bool,
    /// The block hash as it is displayed.
    pub hash: String,
}

/// What the reference says to a share.
type Verdict = Result<ShareValidationResult, ShareValidationError>;

fn text(error: impl Debug) -> String {
    format!("{error:?}")
}

impl Channel {
    /// The channel that a success message opens; none for any other message.
    pub fn opened(message: MiningOwned, user: &str, hash_rate: f32) -> Result<Option<Self>, String> {
        let inner = match message {
            MiningOwned::OpenStandardMiningChannelSuccess(success) => Inner::Standard(
                StandardChannel::new(
                    success.channel_id,
                    user.to_owned(),
                    ExtranoncePrefix::from_wire(success.extranonce_prefix.into_bytes()).map_err(text)?,
                    Target::from_le_bytes(success.target.into_array()),
                    hash_rate,
                    None,
                )
                .map_err(text)?,
            ),
            MiningOwned::OpenExtendedMiningChannelSuccess(success) => Inner::Extended(
                ExtendedChannel::new(
                    success.channel_id,
                    user.to_owned(),
                    ExtranoncePrefix::from_wire(success.extranonce_prefix.into_bytes()).map_err(text)?,
                    Target::from_le_bytes(success.target.into_array()),
                    hash_rate,
                    true,
                    success.extranonce_size,
                    None,
                )
                .map_err(text)?,
            ),
            _ => return Ok(None),
        };
        Ok(Some(Self {
            inner,
            nonce: 0,
            extranonce: 0,
            sequence: 0,
        }))
    }

    /// Hands the channel a message of its own or of its group.
    pub fn receive(&mut self, message: MiningOwned) -> Result<(), String> {
        match (&mut self.inner, message) {
            (Inner::Standard(channel), MiningOwned::NewMiningJob(job)) => {
                channel.on_new_mining_job(job).map_err(text)
            }
            (Inner::Standard(channel), MiningOwned::NewExtendedMiningJob(job)) => {
                channel.on_new_group_channel_job(job).map_err(text)
            }
            (Inner::Extended(channel), MiningOwned::NewExtendedMiningJob(job)) => {
                channel.on_new_extended_mining_job(job).map_err(text)
            }
            (Inner::Standard(channel), MiningOwned::SetNewPrevHash(tip)) => {
                channel.on_set_new_prev_hash(tip).map_err(text)
            }
            (Inner::Extended(channel), MiningOwned::SetNewPrevHash(tip)) => {
                channel.on_set_new_prev_hash(tip).map_err(text)
            }
            (Inner::Standard(channel), MiningOwned::SetTarget(message)) => channel
                .set_target(Target::from_le_bytes(message.maximum_target.into_array()))
                .map_err(text),
            (Inner::Extended(channel), MiningOwned::SetTarget(message)) => channel
                .set_target(Target::from_le_bytes(message.maximum_target.into_array()))
                .map_err(text),
            (Inner::Standard(channel), MiningOwned::SetExtranoncePrefix(message)) => {
                let prefix =
                    ExtranoncePrefix::from_wire(message.extranonce_prefix.into_bytes()).map_err(text)?;
                channel.set_extranonce_prefix(prefix).map_err(text)
            }
            (Inner::Extended(channel), MiningOwned::SetExtranoncePrefix(message)) => {
                let prefix =
                    ExtranoncePrefix::from_wire(message.extranonce_prefix.into_bytes()).map_err(text)?;
                channel.set_extranonce_prefix(prefix).map_err(text)
            }
            (inner, MiningOwned::SubmitSharesSuccess(success)) => {
                let (count, sum) = (success.new_submits_accepted_count, success.new_shares_sum);
                match inner {
                    Inner::Standard(channel) => channel.on_share_acknowledgement(count, sum),
                    Inner::Extended(channel) => channel.on_share_acknowledgement(count, sum),
                }
                Ok(())
            }
            (inner, MiningOwned::SubmitSharesError(error)) => {
                let code = error.error_code.as_utf8_or_hex();
                match inner {
                    Inner::Standard(channel) => channel.on_share_rejection(&code),
                    Inner::Extended(channel) => channel.on_share_rejection(&code),
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether there is a job and a tip to mine on.
    pub fn has_work(&self) -> bool {
        match &self.inner {
            Inner::Standard(channel) => {
                channel.get_active_job().is_some() && channel.get_chain_tip().is_some()
            }
            Inner::Extended(channel) => {
                channel.get_active_job().is_some() && channel.get_chain_tip().is_some()
            }
        }
    }

    /// Tries the next nonce; a share if the reference finds it good enough.
    pub fn try_nonce(&mut self) -> Result<Option<Found>, String> {
        self.nonce = self.nonce.wrapping_add(1);
        let (verdict, share) = match &mut self.inner {
            Inner::Standard(channel) => try_standard(channel, self.nonce, self.sequence + 1)?,
            Inner::Extended(channel) => {
                if self.nonce.trailing_zeros() >= 16 {
                    self.extranonce += 1;
                }
                try_extended(channel, self.nonce, self.extranonce, self.sequence + 1)?
            }
        };
        let (block, hash) = match verdict {
            Ok(ShareValidationResult::Valid(hash)) => (false, hash.to_string()),
            Ok(ShareValidationResult::BlockFound(hash)) => (true, hash.to_string()),
            Err(ShareValidationError::DoesNotMeetTarget(_) | ShareValidationError::DuplicateShare(_)) => {
                return Ok(None)
            }
            Err(error) => return Err(text(error)),
        };
        self.sequence += 1;
        Ok(Some(Found { share, block, hash }))
    }

    /// What the channel's accounting tells.
    pub fn summary(&self) -> Value {
        let accounting: &ShareAccounting = match &self.inner {
            Inner::Standard(channel) => channel.get_share_accounting(),
            Inner::Extended(channel) => channel.get_share_accounting(),
        };
        json!({
            "validated": accounting.get_validated_shares(),
            "acknowledged": accounting.get_acknowledged_shares(),
            "acknowledgedWorkSum": accounting.get_acknowledged_work_sum().to_string(),
            "validatedWorkSum": accounting.get_validated_work_sum(),
            "rejected": accounting.get_rejected_shares_count(),
            "blocksFound": accounting.get_blocks_found(),
        })
    }
}

fn try_standard(
    channel: &mut StandardChannel,
    nonce: u32,
    sequence_number: u32,
) -> Result<(Verdict, MiningOwned), String> {
    let job = &channel.get_active_job().ok_or("no job to mine on")?.job_message;
    let share = SubmitSharesStandardOwned {
        channel_id: channel.get_channel_id(),
        sequence_number,
        job_id: job.job_id,
        nonce,
        ntime: job
            .min_ntime
            .as_ref()
            .copied()
            .ok_or("an active job without time")?,
        version: job.version,
    };
    Ok((
        channel.validate_share(share.clone()),
        MiningOwned::SubmitSharesStandard(share),
    ))
}

fn try_extended(
    channel: &mut ExtendedChannel,
    nonce: u32,
    extranonce: u64,
    sequence_number: u32,
) -> Result<(Verdict, MiningOwned), String> {
    let job = &channel.get_active_job().ok_or("no job to mine on")?.job_message;
    let size = usize::from(channel.get_rollable_extranonce_size());
    let mut bytes = vec![0; size];
    for (byte, counter) in bytes.iter_mut().rev().zip(extranonce.to_le_bytes()) {
        *byte = counter;
    }
    let share = SubmitSharesExtendedOwned {
        channel_id: channel.get_channel_id(),
        sequence_number,
        job_id: job.job_id,
        nonce,
        ntime: job
            .min_ntime
            .as_ref()
            .copied()
            .ok_or("an active job without time")?,
        version: job.version,
        extranonce: bytes
            .try_into()
            .map_err(|_| format!("an extranonce of {size} bytes is too long"))?,
    };
    Ok((
        channel.validate_share(share.clone()),
        MiningOwned::SubmitSharesExtended(share),
    ))
}
