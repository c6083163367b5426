//! Instances of every message of the protocol: empty, typical and maximal.

mod common;
mod extensions;
mod job_declaration;
mod mining;
mod template_distribution;

use stratum_core::parsers_sv2::AnyMessageOwned;

/// How full the fields of a message are.
#[derive(Clone, Copy, PartialEq)]
pub enum Case {
    /// Zeros, empty strings and sequences, absent options.
    Empty,
    /// What one would meet on the wire.
    Typical,
    /// The largest value every field can hold, as far as the frame can hold them.
    Maximal,
}

/// Every case with its name.
pub const CASES: [(&str, Case); 3] = [
    ("empty", Case::Empty),
    ("typical", Case::Typical),
    ("maximal", Case::Maximal),
];

/// Makes one message with fields as full as the case says.
pub type Make = fn(Case) -> AnyMessageOwned;

/// The makers of all 44 messages, in the order of their identifiers.
pub fn makers() -> Vec<Make> {
    [
        common::MAKERS,
        mining::MAKERS,
        job_declaration::MAKERS,
        template_distribution::MAKERS,
        extensions::MAKERS,
    ]
    .concat()
}

/// Cases that only some messages have, with their names.
pub fn extras() -> Vec<(&'static str, AnyMessageOwned)> {
    let mut extras = mining::extras();
    extras.extend(job_declaration::extras());
    extras.extend(template_distribution::extras());
    extras
}

impl Case {
    /// One of three values.
    fn pick<T>(self, empty: T, typical: T, maximal: T) -> T {
        match self {
            Case::Empty => empty,
            Case::Typical => typical,
            Case::Maximal => maximal,
        }
    }

    /// A U16.
    fn u16(self, typical: u16) -> u16 {
        self.pick(0, typical, u16::MAX)
    }

    /// A U32.
    fn u32(self, typical: u32) -> u32 {
        self.pick(0, typical, u32::MAX)
    }

    /// A U64.
    fn u64(self, typical: u64) -> u64 {
        self.pick(0, typical, u64::MAX)
    }

    /// A string of up to 255 bytes.
    fn text<T: TryFrom<Vec<u8>>>(self, typical: &str) -> T {
        self.bytes(typical.as_bytes(), 0x7a, 255)
    }

    /// A byte string of up to `max` bytes; the maximal one repeats `fill`.
    fn bytes<T: TryFrom<Vec<u8>>>(self, typical: &[u8], fill: u8, max: usize) -> T {
        owned(self.pick(vec![], typical.to_vec(), vec![fill; max]))
    }

    /// 32 bytes; the typical ones count up from `first`.
    fn u256<T: TryFrom<Vec<u8>>>(self, first: u8) -> T {
        owned(self.pick(vec![0; 32], counting(first), vec![0xff; 32]))
    }

    /// A sequence of up to `max` elements made for the same case.
    fn sequence<E: Clone, T: TryFrom<Vec<E>>>(self, typical: Vec<E>, fill: E, max: usize) -> T {
        owned(self.pick(vec![], typical, vec![fill; max]))
    }

    /// A sequence of up to 255 or 65,535 (`max`) hashes.
    fn hashes<E: Clone + TryFrom<Vec<u8>>, T: TryFrom<Vec<E>>>(self, max: usize) -> T {
        self.sequence(
            vec![owned(counting(1)), owned(counting(101))],
            owned(vec![0xee; 32]),
            max,
        )
    }
}

/// 32 bytes that count up from `first`.
fn counting(first: u8) -> Vec<u8> {
    (0..32).map(|i| first.wrapping_add(i)).collect()
}

/// A value of one of the reference's bounded types; the catalogue stays within the bounds.
fn owned<E, T: TryFrom<Vec<E>>>(value: Vec<E>) -> T {
    T::try_from(value).unwrap_or_else(|_| panic!("a value of the catalogue exceeds its type"))
}

/// A coinbase output count and one P2WPKH output of 50 BTC, as in a `coinbase_tx_outputs` behind CompactSize.
const OUTPUTS: &[u8] = &[
    0x01, 0x00, 0xf2, 0x05, 0x2a, 0x01, 0x00, 0x00, 0x00, 0x16, 0x00, 0x14, 0xeb, 0xe1, 0xb7, 0xdc, 0xc2,
    0x93, 0xcc, 0xaa, 0x0e, 0xe7, 0x43, 0xa8, 0x6f, 0x89, 0xdf, 0x82, 0x58, 0xc2, 0x08, 0xfc,
];

/// A coinbase transaction without witness up to its extranonce.
const COINBASE_PREFIX: &[u8] = &[
    0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0x0d, 0x03, 0x40, 0x0d, 0x03, 0x08,
];

/// A coinbase transaction without witness behind its extranonce.
const COINBASE_SUFFIX: &[u8] = &[
    0xff, 0xff, 0xff, 0xff, 0x01, 0x00, 0xf2, 0x05, 0x2a, 0x01, 0x00, 0x00, 0x00, 0x16, 0x00, 0x14, 0xeb,
    0xe1, 0xb7, 0xdc, 0xc2, 0x93, 0xcc, 0xaa, 0x0e, 0xe7, 0x43, 0xa8, 0x6f, 0x89, 0xdf, 0x82, 0x58, 0xc2,
    0x08, 0xfc, 0x00, 0x00, 0x00, 0x00,
];

/// A SubmitSharesExtended to hang TLVs on.
pub fn submit_shares_extended(case: Case) -> AnyMessageOwned {
    mining::wrap(stratum_core::parsers_sv2::MiningOwned::SubmitSharesExtended(
        mining::submit_shares_extended(case),
    ))
}
