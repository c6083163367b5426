//! Messages of the Template Distribution Protocol.

use super::{owned, Case, Make, COINBASE_PREFIX, OUTPUTS};
use stratum_core::parsers_sv2::AnyMessageOwned;
use stratum_core::parsers_sv2::TemplateDistributionOwned::{self, *};
use stratum_core::template_distribution_sv2::*;

/// The longest transaction that fits into a RequestTransactionData.Success with full excess data: 2^24 - 1 bytes
/// less the template id, the excess data and its length, the count and the length.
const LONGEST_TRANSACTION: usize = 0xff_ffff - 8 - 2 - 65_535 - 2 - 3;

/// In the order of their message types.
pub const MAKERS: &[Make] = &[
    |case| wrap(CoinbaseOutputConstraints(constraints(case))),
    |case| wrap(NewTemplate(new_template(case))),
    |case| wrap(SetNewPrevHash(set_new_prev_hash(case))),
    |case| {
        wrap(RequestTransactionData(RequestTransactionDataOwned {
            template_id: case.u64(1 << 60),
        }))
    },
    |case| wrap(RequestTransactionDataSuccess(request_success(case))),
    |case| wrap(RequestTransactionDataError(request_error(case))),
    |case| wrap(SubmitSolution(submit_solution(case))),
];

/// As many transactions as the sequence can hold.
pub fn extras() -> Vec<(&'static str, AnyMessageOwned)> {
    vec![(
        "most transactions",
        wrap(RequestTransactionDataSuccess(
            RequestTransactionDataSuccessOwned {
                template_id: 1,
                excess_data: owned(vec![]),
                transaction_list: owned(vec![owned(vec![0x01; 200]); 65_535]),
            },
        )),
    )]
}

fn wrap(message: TemplateDistributionOwned) -> AnyMessageOwned {
    AnyMessageOwned::TemplateDistribution(message)
}

fn constraints(case: Case) -> CoinbaseOutputConstraintsOwned {
    CoinbaseOutputConstraintsOwned {
        coinbase_output_max_additional_size: case.u32(128),
        coinbase_output_max_additional_sigops: case.u16(4),
    }
}

fn new_template(case: Case) -> NewTemplateOwned {
    NewTemplateOwned {
        template_id: case.u64(1 << 60),
        future_template: case.pick(false, true, true),
        version: case.u32(0x2000_0000),
        coinbase_tx_version: case.u32(2),
        coinbase_prefix: case.bytes(&[3, 0x40, 0x0d, 3], 0x99, 255),
        coinbase_tx_input_sequence: case.u32(0xffff_fffe),
        coinbase_tx_value_remaining: case.u64(312_500_000),
        coinbase_tx_outputs_count: case.u32(1),
        coinbase_tx_outputs: case.bytes(&OUTPUTS[1..], 0xaa, 65_535),
        coinbase_tx_locktime: case.u32(199_999),
        merkle_path: case.hashes(255),
    }
}

fn set_new_prev_hash(case: Case) -> SetNewPrevHashOwned {
    SetNewPrevHashOwned {
        template_id: case.u64(1 << 60),
        prev_hash: case.u256(19),
        header_timestamp: case.u32(1_700_000_000),
        n_bits: case.u32(0x1d00_ffff),
        target: case.u256(21),
    }
}

fn request_success(case: Case) -> RequestTransactionDataSuccessOwned {
    RequestTransactionDataSuccessOwned {
        template_id: case.u64(1 << 60),
        excess_data: case.bytes(&[5, 6], 0xbb, 65_535),
        transaction_list: case.sequence(
            vec![owned(vec![2, 0, 0, 0]), owned(vec![7; 300])],
            owned(vec![0x77; LONGEST_TRANSACTION]),
            1,
        ),
    }
}

fn request_error(case: Case) -> RequestTransactionDataErrorOwned {
    RequestTransactionDataErrorOwned {
        template_id: case.u64(1 << 60),
        error_code: case.text("template-id-not-found"),
    }
}

fn submit_solution(case: Case) -> SubmitSolutionOwned {
    SubmitSolutionOwned {
        template_id: case.u64(1 << 60),
        version: case.u32(0x2000_0000),
        header_timestamp: case.u32(1_700_000_001),
        header_nonce: case.u32(0x9962_e301),
        coinbase_tx: case.bytes(COINBASE_PREFIX, 0xcc, 65_535),
    }
}
