//! Applies commands to the reference's channels.

use super::answer;
use super::channel::{self, Channel};
use super::fields::{Fields, Result};
use serde_json::{json, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::panic::{self, AssertUnwindSafe};
use stratum_core::channels_sv2::server::extended::ExtendedChannel;
use stratum_core::channels_sv2::server::group::GroupChannel;
use stratum_core::channels_sv2::server::standard::StandardChannel;
use stratum_core::mining_sv2::{SubmitSharesExtendedOwned, SubmitSharesStandardOwned};

/// The channels of one server, by channel id.
#[derive(Default)]
pub struct Engine {
    channels: BTreeMap<u32, Channel>,
}

/// An answer, or what is wrong with the command itself.
type Answer = Result<Value>;

impl Engine {
    /// Carries out one command. Never fails: what goes wrong is in the answer, a panic of the reference too.
    pub fn apply(&mut self, command: &Value) -> Value {
        let answer = panic::catch_unwind(AssertUnwindSafe(|| self.dispatch(Fields::of(command)?)));
        match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(message)) => json!({ "error": format!("bad command: {message}"), "errorCode": null }),
            Err(_) => json!({ "error": "panic", "errorCode": null }),
        }
    }

    fn dispatch(&mut self, command: Fields) -> Answer {
        match command.text("cmd")? {
            "reset" => {
                self.channels.clear();
                Ok(json!({ "ok": true }))
            }
            "openStandard" => self.open_standard(command),
            "openExtended" => self.open_extended(command),
            "openGroup" => self.open_group(command),
            "joinGroup" => self.join_group(command),
            "closeChannel" => self.close_channel(command),
            "setTarget" => self.set_target(command),
            "updateChannel" => self.update_channel(command),
            "setExtranoncePrefix" => self.set_extranonce_prefix(command),
            "newTemplate" => self.new_template(command),
            "setNewPrevHash" => self.set_new_prev_hash(command),
            "setCustomMiningJob" => self.set_custom_mining_job(command),
            "share" => self.share(command),
            "accounting" => match self.channel(command)? {
                Channel::Standard(channel) => Ok(answer::accounting(channel.get_share_accounting())),
                Channel::Extended(channel) => Ok(answer::accounting(channel.get_share_accounting())),
                Channel::Group(..) => Err("a group channel has no accounting".to_owned()),
            },
            other => Err(format!("unknown command {other:?}")),
        }
    }

    fn channel(&mut self, command: Fields) -> Result<&mut Channel> {
        let id = command.int("channelId")?;
        self.channels
            .get_mut(&id)
            .ok_or_else(|| format!("no channel {id}"))
    }

    /// Stores a channel that could be opened, or answers why it could not.
    fn opened<C, E: Debug>(
        &mut self,
        id: u32,
        result: std::result::Result<C, E>,
        wrap: impl FnOnce(C) -> Channel,
    ) -> Answer {
        match result {
            Ok(channel) => {
                let channel = wrap(channel);
                let state = channel.state();
                self.channels.insert(id, channel);
                Ok(state)
            }
            Err(error) => Ok(answer::error(&error)),
        }
    }

    fn open_standard(&mut self, command: Fields) -> Answer {
        let id = command.int("channelId")?;
        let prefix = channel::allocate(&command.bytes("extranoncePrefix")?)?;
        let (user, max_target) = (
            command.text("userIdentity")?.to_owned(),
            channel::target(command, "maxTarget")?,
        );
        let (rate, batch) = (
            command.float("nominalHashRate")? as f32,
            command.int("shareBatchSize")?,
        );
        let (pace, pool) = (
            command.float("sharesPerMinute")? as f32,
            command.text("poolTag")?.to_owned(),
        );
        let past = max_past_jobs(command)?;
        let result = match miner_tag(command)? {
            None => {
                StandardChannel::new_for_pool(id, user, prefix, max_target, rate, batch, pace, pool, past)
            }
            Some(miner) => StandardChannel::new_for_job_declaration_client(
                id,
                user,
                prefix,
                max_target,
                rate,
                batch,
                pace,
                Some(pool),
                miner,
                past,
            ),
        };
        self.opened(id, result, Channel::Standard)
    }

    fn open_extended(&mut self, command: Fields) -> Answer {
        let id = command.int("channelId")?;
        let prefix = channel::allocate(&command.bytes("extranoncePrefix")?)?;
        let (user, max_target) = (
            command.text("userIdentity")?.to_owned(),
            channel::target(command, "maxTarget")?,
        );
        let (rate, batch) = (
            command.float("nominalHashRate")? as f32,
            command.int("shareBatchSize")?,
        );
        let (pace, pool) = (
            command.float("sharesPerMinute")? as f32,
            command.text("poolTag")?.to_owned(),
        );
        let (rolling, size) = (
            command.bool("versionRollingAllowed")?,
            command.int("extranonceSize")?,
        );
        let past = max_past_jobs(command)?;
        let result = match miner_tag(command)? {
            None => ExtendedChannel::new_for_pool(
                id, user, prefix, max_target, rate, rolling, size, batch, pace, pool, past,
            ),
            Some(miner) => ExtendedChannel::new_for_job_declaration_client(
                id,
                user,
                prefix,
                max_target,
                rate,
                rolling,
                size,
                batch,
                pace,
                Some(pool),
                miner,
                past,
            ),
        };
        self.opened(id, result, Channel::Extended)
    }

    fn open_group(&mut self, command: Fields) -> Answer {
        let id = command.int("channelId")?;
        let size = command.int("fullExtranonceSize")?;
        let rolling = command.bool("versionRollingAllowed")?;
        let pool = command.text("poolTag")?.to_owned();
        let result = match miner_tag(command)? {
            None => GroupChannel::new_for_pool(id, size, rolling, pool),
            Some(miner) => GroupChannel::new_for_job_declaration_client(id, size, rolling, Some(pool), miner),
        };
        self.opened(id, result, |group| Channel::Group(group, BTreeSet::new()))
    }

    fn join_group(&mut self, command: Fields) -> Answer {
        let size = match self.channel(command)? {
            Channel::Standard(channel) => channel.get_extranonce_prefix().len(),
            Channel::Extended(channel) => channel.get_full_extranonce_size(),
            Channel::Group(..) => return Err("a group channel cannot join a group".to_owned()),
        };
        let (member, group) = (command.int("channelId")?, command.int("groupChannelId")?);
        match self.channels.get_mut(&group) {
            Some(Channel::Group(group, members)) => match group.add_channel_id(member, size) {
                Ok(()) => {
                    members.insert(member);
                    Ok(json!({ "ok": true, "members": members }))
                }
                Err(error) => Ok(answer::error(&error)),
            },
            _ => Err(format!("no group channel {group}")),
        }
    }

    fn close_channel(&mut self, command: Fields) -> Answer {
        let id: u32 = command.int("channelId")?;
        self.channel(command)?;
        self.channels.remove(&id);
        for channel in self.channels.values_mut() {
            if let Channel::Group(group, members) = channel {
                members.remove(&id);
                group.remove_channel_id(id);
            }
        }
        Ok(json!({ "ok": true }))
    }

    fn set_target(&mut self, command: Fields) -> Answer {
        let target = channel::target(command, "target")?;
        let channel = self.channel(command)?;
        let failed = match channel {
            Channel::Standard(channel) => answer::failure(channel.set_target(target)),
            Channel::Extended(channel) => answer::failure(channel.set_target(target)),
            Channel::Group(..) => return Err("a group channel has no target".to_owned()),
        };
        Ok(failed.unwrap_or_else(|| channel.state()))
    }

    fn update_channel(&mut self, command: Fields) -> Answer {
        let rate = command.float("nominalHashRate")? as f32;
        let max = command
            .has("maximumTarget")
            .then(|| channel::target(command, "maximumTarget"))
            .transpose()?;
        let channel = self.channel(command)?;
        let failed = match channel {
            Channel::Standard(channel) => answer::failure(channel.update_channel(rate, max)),
            Channel::Extended(channel) => answer::failure(channel.update_channel(rate, max)),
            Channel::Group(..) => return Err("a group channel has no target".to_owned()),
        };
        Ok(failed.unwrap_or_else(|| channel.state()))
    }

    fn set_extranonce_prefix(&mut self, command: Fields) -> Answer {
        let prefix = channel::allocate(&command.bytes("extranoncePrefix")?)?;
        let channel = self.channel(command)?;
        let failed = match channel {
            Channel::Standard(channel) => answer::failure(channel.set_extranonce_prefix(prefix)),
            Channel::Extended(channel) => answer::failure(channel.set_extranonce_prefix(prefix)),
            Channel::Group(..) => return Err("a group channel has no extranonce prefix".to_owned()),
        };
        Ok(failed.unwrap_or_else(|| channel.state()))
    }

    fn new_template(&mut self, command: Fields) -> Answer {
        let template = channel::new_template(command.object("template")?)?;
        let outputs = channel::coinbase_outputs(command)?;
        let id = template.template_id;
        let channel = self.channel(command)?;
        let (failed, fan_out) = match channel {
            Channel::Standard(channel) => (answer::failure(channel.on_new_template(template, outputs)), None),
            Channel::Extended(channel) => (answer::failure(channel.on_new_template(template, outputs)), None),
            Channel::Group(group, members) => {
                let failed = answer::failure(group.on_new_template(template, outputs));
                (
                    failed,
                    channel::group_job(group, id).map(|job| (job, members.clone())),
                )
            }
        };
        if let Some(error) = failed {
            return Ok(error);
        }
        let job = channel.job_of_template(id);
        let Some((group_job, members)) = fan_out else {
            return Ok(json!({ "ok": true, "job": job }));
        };
        let members: Vec<Value> = members
            .into_iter()
            .map(|member| {
                self.fan_out(member, |channel| match channel {
                    Channel::Standard(channel) => {
                        answer::failure(channel.on_group_channel_job(group_job.clone()))
                    }
                    Channel::Extended(channel) => {
                        answer::failure(channel.on_group_channel_job(group_job.clone()))
                    }
                    Channel::Group(..) => None,
                })
            })
            .collect();
        Ok(json!({ "ok": true, "job": job, "members": members }))
    }

    /// Hands something of a group channel to one member and says how it went.
    fn fan_out(&mut self, member: u32, hand: impl FnOnce(&mut Channel) -> Option<Value>) -> Value {
        let failed = self.channels.get_mut(&member).and_then(hand);
        let mut answer = failed.unwrap_or_else(|| json!({ "ok": true }));
        answer["channelId"] = Value::from(member);
        answer
    }

    fn set_new_prev_hash(&mut self, command: Fields) -> Answer {
        let message = channel::set_new_prev_hash(command.object("prevHash")?)?;
        let channel = self.channel(command)?;
        let (failed, members) = match channel {
            Channel::Standard(channel) => (
                answer::failure(channel.on_set_new_prev_hash(message.clone())),
                None,
            ),
            Channel::Extended(channel) => (
                answer::failure(channel.on_set_new_prev_hash(message.clone())),
                None,
            ),
            Channel::Group(group, members) => (
                answer::failure(group.on_set_new_prev_hash(message.clone())),
                Some(members.clone()),
            ),
        };
        if let Some(error) = failed {
            return Ok(error);
        }
        let job = channel.active_job();
        let Some(members) = members else {
            return Ok(json!({ "ok": true, "job": job }));
        };
        let members: Vec<Value> = members
            .into_iter()
            .map(|member| {
                self.fan_out(member, |channel| match channel {
                    Channel::Standard(channel) => {
                        answer::failure(channel.on_set_new_prev_hash(message.clone()))
                    }
                    Channel::Extended(channel) => {
                        answer::failure(channel.on_set_new_prev_hash(message.clone()))
                    }
                    Channel::Group(..) => None,
                })
            })
            .collect();
        Ok(json!({ "ok": true, "job": job, "members": members }))
    }

    fn set_custom_mining_job(&mut self, command: Fields) -> Answer {
        let job = channel::custom_job(command.object("job")?)?;
        let channel = self.channel(command)?;
        let result = match channel {
            Channel::Extended(channel) => channel.on_set_custom_mining_job(job),
            _ => return Err("custom jobs need an extended channel".to_owned()),
        };
        Ok(match result {
            Ok(job_id) => json!({ "ok": true, "jobId": job_id, "job": channel.active_job() }),
            Err(error) => answer::error(&error),
        })
    }

    fn share(&mut self, command: Fields) -> Answer {
        let channel_id = command.int("channelId")?;
        let share = SubmitSharesStandardOwned {
            channel_id,
            sequence_number: command.int("sequenceNumber")?,
            job_id: command.int("jobId")?,
            nonce: command.int("nonce")?,
            ntime: command.int("ntime")?,
            version: command.int("version")?,
        };
        match self.channels.get_mut(&channel_id) {
            Some(Channel::Standard(channel)) => {
                let result = channel.validate_share(share);
                Ok(answer::verdict(result, channel.get_share_accounting()))
            }
            Some(Channel::Extended(channel)) => {
                let result = channel.validate_share(SubmitSharesExtendedOwned {
                    channel_id,
                    sequence_number: share.sequence_number,
                    job_id: share.job_id,
                    nonce: share.nonce,
                    ntime: share.ntime,
                    version: share.version,
                    extranonce: command.bounded("extranonce")?,
                });
                Ok(answer::verdict(result, channel.get_share_accounting()))
            }
            Some(Channel::Group(..)) => Err("a share names a channel, not a group".to_owned()),
            None => Err(format!("no channel {channel_id}")),
        }
    }
}

/// `minerTag`: its presence makes the channel one of a job declaration client.
fn miner_tag(command: Fields) -> Result<Option<String>> {
    command
        .has("minerTag")
        .then(|| command.text("minerTag").map(str::to_owned))
        .transpose()
}

/// `maxPastJobs`, the reference's default if absent.
fn max_past_jobs(command: Fields) -> Result<Option<usize>> {
    command
        .has("maxPastJobs")
        .then(|| command.int("maxPastJobs"))
        .transpose()
}
