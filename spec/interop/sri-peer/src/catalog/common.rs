//! Common messages.

use super::{Case, Make};
use stratum_core::common_messages_sv2::*;
use stratum_core::parsers_sv2::AnyMessageOwned;
use stratum_core::parsers_sv2::CommonMessagesOwned::{self, *};

/// In the order of their message types.
pub const MAKERS: &[Make] = &[
    |case| wrap(SetupConnection(setup_connection(case))),
    |case| wrap(SetupConnectionSuccess(setup_connection_success(case))),
    |case| wrap(SetupConnectionError(setup_connection_error(case))),
    |case| {
        wrap(ChannelEndpointChanged(ChannelEndpointChangedOwned {
            channel_id: case.u32(7),
        }))
    },
    |case| {
        wrap(Reconnect(ReconnectOwned {
            new_host: case.text("pool.example"),
            new_port: case.u16(34255),
        }))
    },
];

fn wrap(message: CommonMessagesOwned) -> AnyMessageOwned {
    AnyMessageOwned::Common(message)
}

fn setup_connection(case: Case) -> SetupConnectionOwned {
    SetupConnectionOwned {
        protocol: case.pick(
            Protocol::MiningProtocol,
            Protocol::JobDeclarationProtocol,
            Protocol::TemplateDistributionProtocol,
        ),
        min_version: case.u16(2),
        max_version: case.u16(2),
        flags: case.u32(1),
        endpoint_host: case.text("0.0.0.0"),
        endpoint_port: case.u16(34254),
        vendor: case.text("Bitmain"),
        hardware_version: case.text("S9i 13.5"),
        firmware: case.text("braiins-os-2018-09-22-1-hash"),
        device_id: case.text("some-device-üñí"),
    }
}

fn setup_connection_success(case: Case) -> SetupConnectionSuccessOwned {
    SetupConnectionSuccessOwned {
        used_version: case.u16(2),
        flags: case.u32(2),
    }
}

fn setup_connection_error(case: Case) -> SetupConnectionErrorOwned {
    SetupConnectionErrorOwned {
        flags: case.u32(4),
        error_code: case.text("unsupported-feature-flags"),
    }
}
