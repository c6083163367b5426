//! `sri-peer miner`: a mining device made of the reference's client channels, which hash every share themselves.

mod channel;

use crate::args::Args;
use crate::frame;
use crate::peer::{self, emit, Identity, Reader, Writer};
use channel::{Channel, Kind};
use serde_json::json;
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::Duration;
use stratum_core::common_messages_sv2::{Protocol, SetupConnectionOwned};
use stratum_core::extensions_sv2::{RequestExtensionsOwned, UserIdentity};
use stratum_core::mining_sv2::{OpenExtendedMiningChannelOwned, OpenStandardMiningChannelOwned};
use stratum_core::parsers_sv2::{
    AnyMessageOwned, CommonMessagesOwned, ExtensionsNegotiationOwned, ExtensionsOwned, MiningOwned, TlvField,
};

/// Nonces tried before looking for messages.
const BATCH: usize = 2000;

/// Mines until `--shares` shares are acknowledged or the connection ends; the latter is an error.
pub fn run(arguments: Vec<String>) -> Result<(), String> {
    let values = [
        "connect",
        "authority-public",
        "kind",
        "user",
        "hash-rate",
        "extranonce-size",
        "shares",
        "worker",
        "flags",
        "interval",
    ];
    let args = Args::parse(arguments, &values, &["plaintext"])?;
    let identity = Identity::client(&args)?;
    let address = args.text("connect").ok_or("--connect is missing")?;
    let stream = TcpStream::connect(address).map_err(|error| format!("{address}: {error}"))?;
    let (writer, reader) = peer::establish(stream, &identity)?;
    let mut miner = Miner {
        writer,
        user: args.get("user", "sri-peer".to_owned())?,
        worker: args.text("worker").map(str::to_owned),
        hash_rate: args.get("hash-rate", 1000.0)?,
        kind: match args.get("kind", "standard".to_owned())?.as_str() {
            "standard" => Kind::Standard,
            "extended" => Kind::Extended {
                extranonce_size: args.get("extranonce-size", 4)?,
            },
            other => return Err(format!("--kind: expected standard or extended, got {other:?}")),
        },
        channel: None,
        acknowledged: 0,
        interval: Duration::from_millis(args.get("interval", 20)?),
    };
    miner.send(setup_connection(args.get("flags", 0)?))?;
    miner.mine(&frames(reader), args.get("shares", u32::MAX)?)
}

/// A SetupConnection of the Mining Protocol.
fn setup_connection(flags: u32) -> AnyMessageOwned {
    let text = |text: &str| text.try_into().expect("a short text");
    AnyMessageOwned::Common(CommonMessagesOwned::SetupConnection(SetupConnectionOwned {
        protocol: Protocol::MiningProtocol,
        min_version: 2,
        max_version: 2,
        flags,
        endpoint_host: text("127.0.0.1"),
        endpoint_port: 34254,
        vendor: text("sri-peer"),
        hardware_version: text(""),
        firmware: text(env!("CARGO_PKG_VERSION")),
        device_id: text("miner"),
    }))
}

/// Reads in a thread of its own: frames, and why there are no more.
fn frames(mut reader: Reader) -> Receiver<Result<Vec<u8>, String>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || loop {
        let next = reader
            .next()
            .and_then(|frame| frame.ok_or_else(|| "the server closed the connection".into()));
        let last = next.is_err();
        if sender.send(next).is_err() || last {
            break;
        }
    });
    receiver
}

struct Miner {
    writer: Writer,
    user: String,
    worker: Option<String>,
    hash_rate: f32,
    kind: Kind,
    channel: Option<Channel>,
    acknowledged: u32,
    /// The least time between two shares, so that easy targets do not flood the server.
    interval: Duration,
}

impl Miner {
    /// Handles messages and tries nonces in turn.
    fn mine(&mut self, frames: &Receiver<Result<Vec<u8>, String>>, wanted: u32) -> Result<(), String> {
        while self.acknowledged < wanted {
            let working = self.channel.as_ref().is_some_and(Channel::has_work);
            let next = match working {
                true => frames.try_recv(),
                false => frames.recv().map_err(|_| TryRecvError::Disconnected),
            };
            match next {
                Ok(frame) => self.receive(frame?)?,
                Err(TryRecvError::Disconnected) => return Err("the reading thread ended".to_owned()),
                Err(TryRecvError::Empty) => self.try_nonces()?,
            }
        }
        let summary = self.channel.as_ref().map(Channel::summary);
        emit(json!({ "event": "finished", "acknowledged": self.acknowledged, "channel": summary }));
        Ok(())
    }

    fn send(&mut self, message: AnyMessageOwned) -> Result<(), String> {
        let bytes = frame::encode(message).map_err(|error| error.to_string())?;
        self.writer.send(vec![bytes], false, false).map(drop)
    }

    fn receive(&mut self, mut bytes: Vec<u8>) -> Result<(), String> {
        let (message, _) = frame::parse(&mut bytes, &[]).map_err(|error| error.to_string())?;
        let (name, payload) = crate::json::describe(&message);
        emit(json!({ "event": "message", "name": name, "payload": payload }));
        match message.into_owned() {
            AnyMessageOwned::Common(CommonMessagesOwned::SetupConnectionSuccess(_)) => match self.worker {
                None => self.open(),
                Some(_) => self.send(request_extensions()),
            },
            AnyMessageOwned::Extensions(message) => match message.into() {
                Negotiated::Yes => self.open(),
                Negotiated::No => Err("extension 0x0002 was refused".to_owned()),
            },
            AnyMessageOwned::Mining(message) => self.mining(message),
            _ => Err(format!("{name} is of no use to a miner")),
        }
    }

    /// Asks for a channel that any hash would do for.
    fn open(&mut self) -> Result<(), String> {
        let user_identity = self
            .user
            .clone()
            .try_into()
            .map_err(|_| "--user: longer than 255 bytes".to_owned())?;
        let (nominal_hash_rate, max_target) = (self.hash_rate, [0xff; 32].into());
        self.send(AnyMessageOwned::Mining(match self.kind {
            Kind::Standard => MiningOwned::OpenStandardMiningChannel(OpenStandardMiningChannelOwned {
                request_id: 1,
                user_identity,
                nominal_hash_rate,
                max_target,
            }),
            Kind::Extended { extranonce_size } => {
                MiningOwned::OpenExtendedMiningChannel(OpenExtendedMiningChannelOwned {
                    request_id: 1,
                    user_identity,
                    nominal_hash_rate,
                    max_target,
                    min_extranonce_size: extranonce_size,
                })
            }
        }))
    }

    fn mining(&mut self, message: MiningOwned) -> Result<(), String> {
        match message {
            MiningOwned::SubmitSharesSuccess(ref success) => {
                self.acknowledged += success.new_submits_accepted_count;
            }
            MiningOwned::OpenMiningChannelError(_) => return Err("the channel was refused".to_owned()),
            MiningOwned::CloseChannel(_) => return Err("the channel was closed".to_owned()),
            _ => {}
        }
        match &mut self.channel {
            Some(channel) => channel.receive(message),
            None => {
                self.channel = Channel::opened(message, &self.user, self.hash_rate)?;
                Ok(())
            }
        }
    }

    /// Tries a batch of nonces and submits what is a share.
    fn try_nonces(&mut self) -> Result<(), String> {
        let Some(channel) = &mut self.channel else {
            return Ok(());
        };
        for _ in 0..BATCH {
            let Some(found) = channel.try_nonce()? else {
                continue;
            };
            emit(json!({ "event": "share", "block": found.block, "hash": found.hash }));
            let share = AnyMessageOwned::Mining(found.share);
            match (&self.worker, matches!(self.kind, Kind::Extended { .. })) {
                (Some(worker), true) => {
                    let identity = UserIdentity::new(worker)?
                        .to_tlv()
                        .map_err(|error| error.to_string())?;
                    let bytes =
                        frame::encode_with_tlvs(share, &[identity]).map_err(|error| error.to_string())?;
                    self.writer.send(vec![bytes], false, false)?;
                }
                _ => self.send(share)?,
            }
            thread::sleep(self.interval);
            break;
        }
        Ok(())
    }
}

/// How a negotiation ended.
enum Negotiated {
    Yes,
    No,
}

impl From<ExtensionsOwned> for Negotiated {
    fn from(message: ExtensionsOwned) -> Self {
        match message {
            ExtensionsOwned::ExtensionsNegotiation(ExtensionsNegotiationOwned::RequestExtensionsSuccess(
                _,
            )) => Self::Yes,
            ExtensionsOwned::ExtensionsNegotiation(_) => Self::No,
        }
    }
}

/// Asks for extension 0x0002.
fn request_extensions() -> AnyMessageOwned {
    AnyMessageOwned::Extensions(ExtensionsOwned::ExtensionsNegotiation(
        ExtensionsNegotiationOwned::RequestExtensions(RequestExtensionsOwned {
            request_id: 1,
            requested_extensions: vec![2].try_into().expect("a short list"),
        }),
    ))
}
