//! What a peer answers of its own accord.

use crate::args::Args;
use stratum_core::common_messages_sv2::{
    Protocol, SetupConnectionErrorOwned, SetupConnectionOwned, SetupConnectionSuccessOwned,
};
use stratum_core::extensions_sv2::{
    RequestExtensionsErrorOwned, RequestExtensionsOwned, RequestExtensionsSuccessOwned,
};
use stratum_core::parsers_sv2::{
    AnyMessage, AnyMessageOwned, CommonMessages, CommonMessagesOwned, Extensions, ExtensionsNegotiation,
    ExtensionsNegotiationOwned, ExtensionsOwned,
};

/// The protocol version of the specification.
const VERSION: u16 = 2;

/// How a peer behaves by itself.
pub struct Manners {
    /// Sends every message back, encoded anew.
    pub echo: bool,
    /// Payloads of longer frames are left out of events.
    pub payload_limit: usize,
    /// Extensions whose TLVs are looked for.
    pub negotiated: Vec<u16>,
    /// What only a server or only a client does.
    role: Role,
}

enum Role {
    Server(Answers),
    Client {
        greeting: Option<Box<SetupConnectionOwned>>,
        extensions: Vec<u16>,
    },
    Silent,
}

/// How a server answers SetupConnection and RequestExtensions.
struct Answers {
    flags: u32,
    protocol: Option<u8>,
    supported_flags: Option<u32>,
    error: Option<String>,
    error_flags: u32,
    supported: Vec<u16>,
    required: Vec<u16>,
}

impl Manners {
    /// From a server's options.
    pub fn server(args: &Args) -> Result<Self, String> {
        let role = match args.has("manual") {
            true => Role::Silent,
            false => Role::Server(Answers {
                flags: args.get("setup-flags", 0)?,
                protocol: args.find("protocol")?,
                supported_flags: args.find("supported-flags")?,
                error: args.text("setup-error").map(str::to_owned),
                error_flags: args.get("setup-error-flags", 0)?,
                supported: args.list("extensions")?,
                required: args.list("required-extensions")?,
            }),
        };
        Self::new(args, role)
    }

    /// From a client's options.
    pub fn client(args: &Args) -> Result<Self, String> {
        let Some(protocol) = args.find::<u8>("setup-protocol")? else {
            return Self::new(args, Role::Silent);
        };
        let text = |text: &str| text.try_into().expect("a short text");
        let greeting = SetupConnectionOwned {
            protocol: Protocol::try_from(protocol).map_err(|_| "--setup-protocol: expected 0, 1 or 2")?,
            min_version: args.get("min-version", VERSION)?,
            max_version: args.get("max-version", VERSION)?,
            flags: args.get("setup-flags", 0)?,
            endpoint_host: text("127.0.0.1"),
            endpoint_port: 34254,
            vendor: text("sri-peer"),
            hardware_version: text(""),
            firmware: text(env!("CARGO_PKG_VERSION")),
            device_id: text(""),
        };
        let extensions = args.list("request-extensions")?;
        Self::new(
            args,
            Role::Client {
                greeting: Some(Box::new(greeting)),
                extensions,
            },
        )
    }

    fn new(args: &Args, role: Role) -> Result<Self, String> {
        let negotiated = match args.text("negotiated") {
            Some(_) => args.list("negotiated")?,
            None => vec![2],
        };
        Ok(Self {
            echo: args.has("echo"),
            payload_limit: args.get("payload-limit", 65_536)?,
            negotiated,
            role,
        })
    }

    /// What is sent first, right after the handshake.
    pub fn greeting(&self) -> Option<AnyMessageOwned> {
        match &self.role {
            Role::Client {
                greeting: Some(greeting),
                ..
            } => Some(AnyMessageOwned::Common(CommonMessagesOwned::SetupConnection(
                (**greeting).clone(),
            ))),
            _ => None,
        }
    }

    /// What is sent in answer to `message`.
    pub fn answer(&self, message: &AnyMessage) -> Option<AnyMessageOwned> {
        match (&self.role, message) {
            (Role::Server(answers), AnyMessage::Common(CommonMessages::SetupConnection(request))) => {
                let answer = answers.to_setup(
                    request.protocol,
                    (request.min_version, request.max_version),
                    request.flags,
                );
                Some(AnyMessageOwned::Common(answer))
            }
            (
                Role::Server(answers),
                AnyMessage::Extensions(Extensions::ExtensionsNegotiation(
                    ExtensionsNegotiation::RequestExtensions(request),
                )),
            ) => Some(extensions(answers.to_extensions(
                request.request_id,
                request.requested_extensions.as_slice(),
            ))),
            (
                Role::Client {
                    extensions: requested,
                    ..
                },
                AnyMessage::Common(CommonMessages::SetupConnectionSuccess(_)),
            ) if !requested.is_empty() => {
                let requested_extensions = requested.clone().try_into().expect("a short list");
                let request = RequestExtensionsOwned {
                    request_id: 1,
                    requested_extensions,
                };
                Some(extensions(ExtensionsNegotiationOwned::RequestExtensions(request)))
            }
            _ => None,
        }
    }
}

fn extensions(message: ExtensionsNegotiationOwned) -> AnyMessageOwned {
    AnyMessageOwned::Extensions(ExtensionsOwned::ExtensionsNegotiation(message))
}

impl Answers {
    /// Success, or the first thing that is wrong: as told, protocol, version, flags.
    fn to_setup(&self, protocol: Protocol, versions: (u16, u16), flags: u32) -> CommonMessagesOwned {
        let unsupported = flags & !self.supported_flags.unwrap_or(u32::MAX);
        let refusal = if let Some(code) = &self.error {
            Some((code.as_str(), self.error_flags))
        } else if self.protocol.is_some_and(|ours| ours != protocol as u8) {
            Some(("unsupported-protocol", 0))
        } else if versions.0 > VERSION || versions.1 < VERSION {
            Some(("protocol-version-mismatch", 0))
        } else if unsupported != 0 {
            Some(("unsupported-feature-flags", unsupported))
        } else {
            None
        };
        match refusal {
            None => CommonMessagesOwned::SetupConnectionSuccess(SetupConnectionSuccessOwned {
                used_version: VERSION,
                flags: self.flags,
            }),
            Some((code, flags)) => CommonMessagesOwned::SetupConnectionError(SetupConnectionErrorOwned {
                flags,
                error_code: code.try_into().expect("a short error code"),
            }),
        }
    }

    /// Success with what both know, unless that is nothing or something required was not asked for: as the
    /// reference's pool does it.
    fn to_extensions(&self, request_id: u16, requested: &[u16]) -> ExtensionsNegotiationOwned {
        let list = |wanted: &dyn Fn(&u16) -> bool, of: &[u16]| -> Vec<u16> {
            of.iter().copied().filter(|extension| wanted(extension)).collect()
        };
        let supported = list(&|extension| self.supported.contains(extension), requested);
        let missing = list(&|extension| !requested.contains(extension), &self.required);
        if !supported.is_empty() && missing.is_empty() {
            return ExtensionsNegotiationOwned::RequestExtensionsSuccess(RequestExtensionsSuccessOwned {
                request_id,
                supported_extensions: supported.try_into().expect("no longer than the request"),
            });
        }
        let unsupported = list(&|extension| !self.supported.contains(extension), requested);
        ExtensionsNegotiationOwned::RequestExtensionsError(RequestExtensionsErrorOwned {
            request_id,
            unsupported_extensions: unsupported.try_into().expect("no longer than the request"),
            required_extensions: missing.try_into().expect("a short list"),
        })
    }
}
