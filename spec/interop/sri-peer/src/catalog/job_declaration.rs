//! Messages of the Job Declaration Protocol.

use super::{owned, Case, Make, COINBASE_PREFIX, COINBASE_SUFFIX, OUTPUTS};
use stratum_core::job_declaration_sv2::*;
use stratum_core::parsers_sv2::AnyMessageOwned;
use stratum_core::parsers_sv2::JobDeclarationOwned::{self, *};

/// The longest transaction that fits into a ProvideMissingTransactions.Success: 2^24 - 1 bytes less the request
/// id, the count and the length.
const LONGEST_TRANSACTION: usize = 0xff_ffff - 4 - 2 - 3;

/// In the order of their message types.
pub const MAKERS: &[Make] = &[
    |case| wrap(AllocateMiningJobToken(allocate(case))),
    |case| wrap(AllocateMiningJobTokenSuccess(allocate_success(case))),
    |case| wrap(ProvideMissingTransactions(provide(case))),
    |case| wrap(ProvideMissingTransactionsSuccess(provide_success(case))),
    |case| wrap(DeclareMiningJob(declare(case))),
    |case| wrap(DeclareMiningJobSuccess(declare_success(case))),
    |case| wrap(DeclareMiningJobError(declare_error(case))),
    |case| wrap(PushSolution(push_solution(case))),
];

/// As many transactions as the sequence can hold.
pub fn extras() -> Vec<(&'static str, AnyMessageOwned)> {
    let transaction_list = owned(vec![owned(vec![0x01]); 65_535]);
    vec![(
        "most transactions",
        wrap(ProvideMissingTransactionsSuccess(
            ProvideMissingTransactionsSuccessOwned {
                request_id: 1,
                transaction_list,
            },
        )),
    )]
}

fn wrap(message: JobDeclarationOwned) -> AnyMessageOwned {
    AnyMessageOwned::JobDeclaration(message)
}

fn allocate(case: Case) -> AllocateMiningJobTokenOwned {
    AllocateMiningJobTokenOwned {
        user_identifier: case.text("user.jdc"),
        request_id: case.u32(1),
    }
}

fn allocate_success(case: Case) -> AllocateMiningJobTokenSuccessOwned {
    AllocateMiningJobTokenSuccessOwned {
        request_id: case.u32(1),
        mining_job_token: case.bytes(&[0xca, 0xfe], 0x44, 255),
        coinbase_outputs: case.bytes(OUTPUTS, 0x55, 65_535),
    }
}

fn provide(case: Case) -> ProvideMissingTransactionsOwned {
    ProvideMissingTransactionsOwned {
        request_id: case.u32(1),
        unknown_tx_position_list: case.sequence(vec![1, 3, 500], u16::MAX, 65_535),
    }
}

fn provide_success(case: Case) -> ProvideMissingTransactionsSuccessOwned {
    ProvideMissingTransactionsSuccessOwned {
        request_id: case.u32(1),
        transaction_list: case.sequence(
            vec![owned(vec![2, 0, 0, 0]), owned(vec![]), owned(vec![7; 300])],
            owned(vec![0x77; LONGEST_TRANSACTION]),
            1,
        ),
    }
}

fn declare(case: Case) -> DeclareMiningJobOwned {
    DeclareMiningJobOwned {
        request_id: case.u32(1),
        mining_job_token: case.bytes(&[0xca, 0xfe], 0x44, 255),
        version: case.u32(0x2000_0000),
        coinbase_tx_prefix: case.bytes(COINBASE_PREFIX, 0xcd, 65_535),
        coinbase_tx_suffix: case.bytes(COINBASE_SUFFIX, 0xef, 65_535),
        wtxid_list: case.hashes(65_535),
        excess_data: case.bytes(&[1, 2, 3], 0x66, 65_535),
    }
}

fn declare_success(case: Case) -> DeclareMiningJobSuccessOwned {
    DeclareMiningJobSuccessOwned {
        request_id: case.u32(1),
        new_mining_job_token: case.bytes(&[0xbe, 0xef], 0x44, 255),
    }
}

fn declare_error(case: Case) -> DeclareMiningJobErrorOwned {
    DeclareMiningJobErrorOwned {
        request_id: case.u32(1),
        error_code: case.text("invalid-job-param-value-coinbase_tx_version"),
        error_details: case.bytes(&[9, 8, 7], 0x88, 65_535),
    }
}

fn push_solution(case: Case) -> PushSolutionOwned {
    PushSolutionOwned {
        extranonce: case.bytes(&[1, 2, 3, 4, 5, 6, 7, 8], 0xab, 32),
        prev_hash: case.u256(17),
        nonce: case.u32(0x9962_e301),
        ntime: case.u32(1_700_000_001),
        nbits: case.u32(0x1d00_ffff),
        version: case.u32(0x2000_0000),
    }
}
