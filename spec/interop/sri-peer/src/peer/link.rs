//! One TCP connection with the reference's codec: handshake, then whole frames in and out.

use super::keys;
use crate::args::Args;
use crate::frame::RawFrame;
use crate::transcript::error_name;
use rand_core::OsRng;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use stratum_core::codec_sv2::{
    Decoded, Decoder, Decrypted, Handshake, NoiseDecoder, NoiseEncoder, TransportDecryptState,
    TransportEncryptState,
};
use stratum_core::noise_sv2::{
    Initiator, Responder, ELLSWIFT_ENCODING_SIZE, INITIATOR_EXPECTED_HANDSHAKE_MESSAGE_SIZE,
};

/// The authority's secret key if none is given. Public knowledge: for tests only.
const TEST_SECRET: [u8; 32] = [0x11; 32];

/// Who we are and whom we expect.
#[derive(Clone)]
pub enum Identity {
    /// No encryption, either side.
    Plaintext,
    /// A server: the authority's keys and the certificate it gives.
    Server {
        /// x-only public key of the authority.
        public: [u8; 32],
        /// Its secret key.
        secret: [u8; 32],
        /// Seconds the certificate is valid.
        validity: u32,
        /// Seconds from now to when it was issued.
        issued_at: i64,
    },
    /// A client: the authority it trusts, or none to trust anybody.
    Client(Option<[u8; 32]>),
}

impl Identity {
    /// From a server's options.
    pub fn server(args: &Args) -> Result<Self, String> {
        if args.has("plaintext") {
            return Ok(Self::Plaintext);
        }
        let secret = args
            .text("authority-secret")
            .map_or(Ok(TEST_SECRET), keys::secret)?;
        let public = keys::public_of(&secret)?;
        if let Some(given) = args.text("authority-public") {
            if keys::public(given)? != public {
                return Err("--authority-public is not the public key of --authority-secret".to_owned());
            }
        }
        let validity = args.get("cert-validity", 3600)?;
        let issued_at = if args.has("expired") {
            -86_400 - i64::from(validity)
        } else {
            0
        };
        Ok(Self::Server {
            public,
            secret,
            validity,
            issued_at: args.get("cert-issued-at", issued_at)?,
        })
    }

    /// From a client's options.
    pub fn client(args: &Args) -> Result<Self, String> {
        match args.has("plaintext") {
            true => Ok(Self::Plaintext),
            false => Ok(Self::Client(
                args.text("authority-public").map(keys::public).transpose()?,
            )),
        }
    }

    /// Base58check text of the authority's public key, where there is one.
    pub fn authority_text(&self) -> Option<String> {
        match self {
            Self::Server { public, .. } => Some(keys::public_text(public)),
            _ => None,
        }
    }
}

/// The sending half.
pub struct Writer {
    stream: TcpStream,
    cipher: Option<(NoiseEncoder, TransportEncryptState)>,
}

/// The receiving half.
pub struct Reader {
    stream: TcpStream,
    decoder: FrameDecoder,
}

enum FrameDecoder {
    Plain(Decoder),
    Noise(Box<NoiseDecoder>, Option<TransportDecryptState>),
}

/// Does the handshake that `identity` asks for and splits the connection.
pub fn establish(stream: TcpStream, identity: &Identity) -> Result<(Writer, Reader), String> {
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let mut write_half = stream.try_clone().map_err(|error| error.to_string())?;
    let transport = match identity {
        Identity::Plaintext => None,
        Identity::Server {
            public,
            secret,
            validity,
            issued_at,
        } => {
            let mut act1 = [0; ELLSWIFT_ENCODING_SIZE];
            (&stream)
                .read_exact(&mut act1)
                .map_err(|error| format!("act 1: {error}"))?;
            let validity = Duration::from_secs((*validity).into());
            let responder = Responder::from_authority_kp(public, secret, validity)
                .map_err(|error| format!("{error:?}"))?;
            let (act2, transport) = Handshake::responder(responder)
                .step_1_with_now_rng(act1, seconds_from_now(*issued_at), &mut OsRng)
                .map_err(|error| format!("{error:?}"))?;
            write_half
                .write_all(act2.payload())
                .map_err(|error| format!("act 2: {error}"))?;
            Some(transport)
        }
        Identity::Client(authority) => {
            let initiator = match authority {
                Some(key) => Initiator::from_raw_k(*key),
                None => Initiator::without_pk(),
            }
            .map_err(|error| format!("{error:?}"))?;
            let (act1, sent) = Handshake::initiator(initiator)
                .step_0()
                .map_err(|error| format!("{error:?}"))?;
            write_half
                .write_all(act1.payload())
                .map_err(|error| format!("act 1: {error}"))?;
            let mut act2 = [0; INITIATOR_EXPECTED_HANDSHAKE_MESSAGE_SIZE];
            (&stream)
                .read_exact(&mut act2)
                .map_err(|error| format!("act 2: {error}"))?;
            Some(sent.step_2(act2).map_err(|error| error_name(&error))?)
        }
    };
    let (cipher, decoder) = match transport.map(|transport| transport.split()) {
        None => (None, FrameDecoder::Plain(Decoder::new())),
        Some((encrypt, decrypt)) => (
            Some((NoiseEncoder::new(), encrypt)),
            FrameDecoder::Noise(Box::new(NoiseDecoder::new()), Some(decrypt)),
        ),
    };
    Ok((
        Writer {
            stream: write_half,
            cipher,
        },
        Reader { stream, decoder },
    ))
}

/// Unix time `offset` seconds from now.
fn seconds_from_now(offset: i64) -> u32 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    u32::try_from(now as i64 + offset).unwrap_or(u32::MAX)
}

impl Writer {
    /// Sends frames: each in one write, all in one write (`coalesce`), or one byte a write (`dribble`).
    /// Returns the bytes that went out.
    pub fn send(&mut self, frames: Vec<Vec<u8>>, coalesce: bool, dribble: bool) -> Result<usize, String> {
        let mut encoded = Vec::with_capacity(frames.len());
        for frame in frames {
            encoded.push(match &mut self.cipher {
                None => frame,
                Some((encoder, state)) => encoder
                    .encode_transport(RawFrame(frame), state)
                    .map_err(|error| format!("{error:?}"))?,
            });
        }
        if coalesce || dribble {
            encoded = vec![encoded.concat()];
        }
        for bytes in &encoded {
            let step = if dribble { 1 } else { bytes.len().max(1) };
            for part in bytes.chunks(step) {
                self.raw(part)?;
            }
        }
        Ok(encoded.iter().map(Vec::len).sum())
    }

    /// Writes bytes to the socket as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.stream.write_all(bytes).map_err(|error| error.to_string())
    }

    /// Closes both directions.
    pub fn close(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Reader {
    /// The next whole frame as plaintext; none when the peer has closed.
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        loop {
            let buffer = match &mut self.decoder {
                FrameDecoder::Plain(decoder) => decoder.writable(),
                FrameDecoder::Noise(decoder, _) => decoder.writable(),
            };
            match self.stream.read_exact(buffer) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(error) => return Err(error.to_string()),
            }
            let frame = match &mut self.decoder {
                FrameDecoder::Plain(decoder) => {
                    match decoder.next_frame().map_err(|error| format!("{error:?}"))? {
                        Decoded::Frame(frame) => Some(frame.into_bytes()),
                        Decoded::Incomplete(_) => None,
                    }
                }
                FrameDecoder::Noise(decoder, state) => {
                    let current = state.take().ok_or("the connection failed before")?;
                    match decoder
                        .next_transport_frame(current)
                        .map_err(|error| format!("{error:?}"))?
                    {
                        Decrypted::Frame(frame, next) => {
                            *state = Some(next);
                            Some(frame.into_bytes())
                        }
                        Decrypted::Incomplete(_, next) => {
                            *state = Some(next);
                            None
                        }
                    }
                }
            };
            if frame.is_some() {
                return Ok(frame);
            }
        }
    }
}
