//! Messages of extension 0x0001, extensions negotiation.

use super::{Case, Make};
use stratum_core::extensions_sv2::*;
use stratum_core::parsers_sv2::ExtensionsNegotiationOwned::{self, *};
use stratum_core::parsers_sv2::{AnyMessageOwned, ExtensionsOwned};

/// In the order of their message types.
pub const MAKERS: &[Make] = &[
    |case| wrap(RequestExtensions(request(case))),
    |case| wrap(RequestExtensionsSuccess(success(case))),
    |case| wrap(RequestExtensionsError(error(case))),
];

fn wrap(message: ExtensionsNegotiationOwned) -> AnyMessageOwned {
    AnyMessageOwned::Extensions(ExtensionsOwned::ExtensionsNegotiation(message))
}

fn request(case: Case) -> RequestExtensionsOwned {
    RequestExtensionsOwned {
        request_id: case.u16(1),
        requested_extensions: case.sequence(vec![2, 0x4321], 0xffff, 65_535),
    }
}

fn success(case: Case) -> RequestExtensionsSuccessOwned {
    RequestExtensionsSuccessOwned {
        request_id: case.u16(1),
        supported_extensions: case.sequence(vec![2], 0xffff, 65_535),
    }
}

fn error(case: Case) -> RequestExtensionsErrorOwned {
    RequestExtensionsErrorOwned {
        request_id: case.u16(1),
        unsupported_extensions: case.sequence(vec![0x4321], 0xffff, 65_535),
        required_extensions: case.sequence(vec![2, 3], 0xffff, 65_535),
    }
}
