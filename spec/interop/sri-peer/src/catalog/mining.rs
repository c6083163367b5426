//! Messages of the Mining Protocol.

use super::{counting, owned, Case, Make, COINBASE_PREFIX, COINBASE_SUFFIX, OUTPUTS};
use stratum_core::binary_sv2::Sv2OptionOwned;
use stratum_core::mining_sv2::*;
use stratum_core::parsers_sv2::AnyMessageOwned;
use stratum_core::parsers_sv2::MiningOwned::{self, *};

/// In the order of their message types.
pub const MAKERS: &[Make] = &[
    |case| wrap(OpenStandardMiningChannel(open_standard(case))),
    |case| wrap(OpenStandardMiningChannelSuccess(open_standard_success(case))),
    |case| wrap(OpenMiningChannelError(open_error(case))),
    |case| wrap(OpenExtendedMiningChannel(open_extended(case))),
    |case| wrap(OpenExtendedMiningChannelSuccess(open_extended_success(case))),
    |case| wrap(NewMiningJob(new_mining_job(case))),
    |case| wrap(UpdateChannel(update_channel(case))),
    |case| wrap(UpdateChannelError(update_channel_error(case))),
    |case| wrap(CloseChannel(close_channel(case))),
    |case| wrap(SetExtranoncePrefix(set_extranonce_prefix(case))),
    |case| wrap(SubmitSharesStandard(submit_shares_standard(case))),
    |case| wrap(SubmitSharesExtended(submit_shares_extended(case))),
    |case| wrap(SubmitSharesSuccess(submit_shares_success(case))),
    |case| wrap(SubmitSharesError(submit_shares_error(case))),
    |case| wrap(NewExtendedMiningJob(new_extended_mining_job(case))),
    |case| wrap(SetNewPrevHash(set_new_prev_hash(case))),
    |case| wrap(SetTarget(set_target(case))),
    |case| wrap(SetCustomMiningJob(set_custom_mining_job(case))),
    |case| wrap(SetCustomMiningJobSuccess(set_custom_mining_job_success(case))),
    |case| wrap(SetCustomMiningJobError(set_custom_mining_job_error(case))),
    |case| wrap(SetGroupChannel(set_group_channel(case))),
];

/// Hash rates that need the whole range of F32, and jobs for a known and for an unknown previous hash.
pub fn extras() -> Vec<(&'static str, AnyMessageOwned)> {
    let rate = |nominal_hash_rate| {
        wrap(UpdateChannel(UpdateChannelOwned {
            channel_id: 1,
            nominal_hash_rate,
            maximum_target: owned(counting(1)),
        }))
    };
    vec![
        ("hash rate that is not a round number", rate(123_456.79)),
        ("smallest normal hash rate", rate(f32::MIN_POSITIVE)),
        ("smallest subnormal hash rate", rate(f32::from_bits(1))),
        ("negative hash rate", rate(-1.5)),
        (
            "future job",
            wrap(NewMiningJob(NewMiningJobOwned {
                min_ntime: Sv2OptionOwned::new(None),
                ..new_mining_job(Case::Typical)
            })),
        ),
        (
            "future job",
            wrap(NewExtendedMiningJob(NewExtendedMiningJobOwned {
                min_ntime: Sv2OptionOwned::new(None),
                ..new_extended_mining_job(Case::Typical)
            })),
        ),
        (
            "job with min_ntime zero",
            wrap(NewMiningJob(NewMiningJobOwned {
                min_ntime: Sv2OptionOwned::new(Some(0)),
                ..new_mining_job(Case::Typical)
            })),
        ),
    ]
}

pub fn wrap(message: MiningOwned) -> AnyMessageOwned {
    AnyMessageOwned::Mining(message)
}

/// A share of an extended channel.
pub fn submit_shares_extended(case: Case) -> SubmitSharesExtendedOwned {
    SubmitSharesExtendedOwned {
        channel_id: case.u32(1),
        sequence_number: case.u32(42),
        job_id: case.u32(3),
        nonce: case.u32(0x9962_e301),
        ntime: case.u32(1_700_000_001),
        version: case.u32(0x2000_0000),
        extranonce: case.bytes(&[1, 2, 3, 4, 5, 6, 7, 8], 0xab, 32),
    }
}

fn hash_rate(case: Case) -> f32 {
    case.pick(0.0, 1.25e13, f32::MAX)
}

fn min_ntime(case: Case) -> Sv2OptionOwned<u32> {
    Sv2OptionOwned::new(case.pick(None, Some(1_700_000_000), Some(u32::MAX)))
}

fn open_standard(case: Case) -> OpenStandardMiningChannelOwned {
    OpenStandardMiningChannelOwned {
        request_id: case.u32(1),
        user_identity: case.text("user.worker1"),
        nominal_hash_rate: hash_rate(case),
        max_target: case.u256(1),
    }
}

fn open_standard_success(case: Case) -> OpenStandardMiningChannelSuccessOwned {
    OpenStandardMiningChannelSuccessOwned {
        request_id: case.u32(1),
        channel_id: case.u32(2),
        target: case.u256(3),
        extranonce_prefix: case.bytes(&[0, 0, 0, 1], 0xab, 32),
        group_channel_id: case.u32(1),
    }
}

fn open_extended(case: Case) -> OpenExtendedMiningChannelOwned {
    OpenExtendedMiningChannelOwned {
        request_id: case.u32(1),
        user_identity: case.text("user.proxy"),
        nominal_hash_rate: hash_rate(case),
        max_target: case.u256(1),
        min_extranonce_size: case.u16(8),
    }
}

fn open_extended_success(case: Case) -> OpenExtendedMiningChannelSuccessOwned {
    OpenExtendedMiningChannelSuccessOwned {
        request_id: case.u32(1),
        channel_id: case.u32(2),
        target: case.u256(3),
        extranonce_size: case.u16(8),
        extranonce_prefix: case.bytes(&[0, 0, 0, 1], 0xab, 32),
        group_channel_id: case.u32(1),
    }
}

fn open_error(case: Case) -> OpenMiningChannelErrorOwned {
    OpenMiningChannelErrorOwned {
        request_id: case.u32(1),
        error_code: case.text("unknown-user"),
    }
}

fn new_mining_job(case: Case) -> NewMiningJobOwned {
    NewMiningJobOwned {
        channel_id: case.u32(1),
        job_id: case.u32(2),
        min_ntime: min_ntime(case),
        version: case.u32(0x2000_0000),
        merkle_root: case.u256(9),
    }
}

fn update_channel(case: Case) -> UpdateChannelOwned {
    UpdateChannelOwned {
        channel_id: case.u32(1),
        nominal_hash_rate: hash_rate(case),
        maximum_target: case.u256(5),
    }
}

fn update_channel_error(case: Case) -> UpdateChannelErrorOwned {
    UpdateChannelErrorOwned {
        channel_id: case.u32(1),
        error_code: case.text("invalid-channel-id"),
    }
}

fn close_channel(case: Case) -> CloseChannelOwned {
    CloseChannelOwned {
        channel_id: case.u32(1),
        reason_code: case.text("shutting down"),
    }
}

fn set_extranonce_prefix(case: Case) -> SetExtranoncePrefixOwned {
    SetExtranoncePrefixOwned {
        channel_id: case.u32(1),
        extranonce_prefix: case.bytes(&[1, 2, 3, 4], 0xab, 32),
    }
}

fn submit_shares_standard(case: Case) -> SubmitSharesStandardOwned {
    SubmitSharesStandardOwned {
        channel_id: case.u32(1),
        sequence_number: case.u32(42),
        job_id: case.u32(3),
        nonce: case.u32(0x9962_e301),
        ntime: case.u32(1_700_000_001),
        version: case.u32(0x2000_0000),
    }
}

fn submit_shares_success(case: Case) -> SubmitSharesSuccessOwned {
    SubmitSharesSuccessOwned {
        channel_id: case.u32(1),
        last_sequence_number: case.u32(42),
        new_submits_accepted_count: case.u32(10),
        new_shares_sum: case.u64(9_007_199_254_740_993),
    }
}

fn submit_shares_error(case: Case) -> SubmitSharesErrorOwned {
    SubmitSharesErrorOwned {
        channel_id: case.u32(1),
        sequence_number: case.u32(43),
        error_code: case.text("difficulty-too-low"),
    }
}

fn new_extended_mining_job(case: Case) -> NewExtendedMiningJobOwned {
    NewExtendedMiningJobOwned {
        channel_id: case.u32(1),
        job_id: case.u32(2),
        min_ntime: min_ntime(case),
        version: case.u32(0x2000_0000),
        version_rolling_allowed: case.pick(false, true, true),
        merkle_path: case.hashes(255),
        coinbase_tx_prefix: case.bytes(COINBASE_PREFIX, 0xcd, 65_535),
        coinbase_tx_suffix: case.bytes(COINBASE_SUFFIX, 0xef, 65_535),
    }
}

fn set_new_prev_hash(case: Case) -> SetNewPrevHashOwned {
    SetNewPrevHashOwned {
        channel_id: case.u32(1),
        job_id: case.u32(2),
        prev_hash: case.u256(11),
        min_ntime: case.u32(1_700_000_000),
        nbits: case.u32(0x1d00_ffff),
    }
}

fn set_target(case: Case) -> SetTargetOwned {
    SetTargetOwned {
        channel_id: case.u32(1),
        maximum_target: case.u256(13),
    }
}

fn set_custom_mining_job(case: Case) -> SetCustomMiningJobOwned {
    SetCustomMiningJobOwned {
        channel_id: case.u32(1),
        request_id: case.u32(2),
        token: case.bytes(&[0xde, 0xad, 0xbe, 0xef], 0x11, 255),
        version: case.u32(0x2000_0000),
        prev_hash: case.u256(15),
        min_ntime: case.u32(1_700_000_000),
        nbits: case.u32(0x1d00_ffff),
        coinbase_tx_version: case.u32(2),
        coinbase_prefix: case.bytes(&[3, 0x40, 0x0d, 3, 8], 0x22, 255),
        coinbase_tx_input_n_sequence: case.u32(0xffff_fffe),
        coinbase_tx_outputs: case.bytes(OUTPUTS, 0x33, 65_535),
        coinbase_tx_locktime: case.u32(199_999),
        merkle_path: case.hashes(255),
    }
}

fn set_custom_mining_job_success(case: Case) -> SetCustomMiningJobSuccessOwned {
    SetCustomMiningJobSuccessOwned {
        channel_id: case.u32(1),
        request_id: case.u32(2),
        job_id: case.u32(3),
    }
}

fn set_custom_mining_job_error(case: Case) -> SetCustomMiningJobErrorOwned {
    SetCustomMiningJobErrorOwned {
        channel_id: case.u32(1),
        request_id: case.u32(2),
        error_code: case.text("invalid-mining-job-token"),
    }
}

fn set_group_channel(case: Case) -> SetGroupChannelOwned {
    SetGroupChannelOwned {
        group_channel_id: case.u32(1),
        channel_ids: case.sequence(vec![2, 3, 5], u32::MAX, 65_535),
    }
}
