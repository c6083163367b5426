//! `sri-peer sv1-miner`: a Stratum V1 mining device, for mining through the reference's translator.

use crate::args::Args;
use crate::hex;
use crate::peer::emit;
use serde_json::{json, Value};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::Duration;
use stratum_core::bitcoin::hashes::{sha256d, Hash};
use stratum_core::bitcoin::Target;

/// Nonces tried before looking for messages.
const BATCH: u32 = 2000;

/// Mines until `--shares` shares are accepted or the connection ends; the latter is an error.
pub fn run(arguments: Vec<String>) -> Result<(), String> {
    let args = Args::parse(arguments, &["connect", "user", "shares", "interval"], &[])?;
    let address = args.text("connect").ok_or("--connect is missing")?;
    let stream = TcpStream::connect(address).map_err(|error| format!("{address}: {error}"))?;
    let reading = stream.try_clone().map_err(|error| error.to_string())?;
    let mut miner = Miner {
        stream,
        user: args.get("user", "sri-peer".to_owned())?,
        interval: Duration::from_millis(args.get("interval", 20)?),
        next_id: 0,
        extranonce1: Vec::new(),
        extranonce2_size: 0,
        extranonce2: 0,
        target: target_of(1.0),
        work: None,
        accepted: 0,
        rejected: 0,
    };
    miner.request("mining.subscribe", json!(["sri-peer"]))?;
    let user = miner.user.clone();
    miner.request("mining.authorize", json!([user, "x"]))?;
    miner.mine(&lines(reading), args.get("shares", u32::MAX)?)
}

/// Reads in a thread of its own: messages, and why there are no more.
fn lines(stream: TcpStream) -> Receiver<Result<Value, String>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let message = line
                .map_err(|error| error.to_string())
                .and_then(|line| serde_json::from_str(&line).map_err(|error| error.to_string()));
            if sender.send(message).is_err() {
                return;
            }
        }
        let _ = sender.send(Err("the server closed the connection".to_owned()));
    });
    receiver
}

/// The target of a Stratum V1 difficulty: that of difficulty 1, 0xffff * 2^208, divided by it.
fn target_of(difficulty: f64) -> Target {
    // 2^208 / difficulty as a mantissa of 53 bits and a power of two, so that no precision is lost
    let mut mantissa = f64::from(0xffff_u32) / difficulty;
    let mut exponent: i32 = 208;
    while mantissa < 2f64.powi(52) {
        mantissa *= 2.0;
        exponent -= 1;
    }
    while mantissa >= 2f64.powi(53) {
        mantissa /= 2.0;
        exponent += 1;
    }
    if exponent > 256 - 53 {
        return Target::from_le_bytes([0xff; 32]);
    }
    let mut bytes = [0; 32];
    for bit in 0..53 {
        let at = exponent + bit;
        if at >= 0 && (mantissa as u64 >> bit) & 1 == 1 {
            bytes[at as usize / 8] |= 1 << (at % 8);
        }
    }
    Target::from_le_bytes(bytes)
}

/// A job and its header up to the merkle root.
struct Work {
    job_id: String,
    prev_hash: Vec<u8>,
    coinbase1: Vec<u8>,
    coinbase2: Vec<u8>,
    branch: Vec<Vec<u8>>,
    version: u32,
    nbits: u32,
    ntime: u32,
    nonce: u32,
}

struct Miner {
    stream: TcpStream,
    user: String,
    interval: Duration,
    next_id: u64,
    extranonce1: Vec<u8>,
    extranonce2_size: usize,
    extranonce2: u64,
    target: Target,
    work: Option<Work>,
    accepted: u32,
    rejected: u32,
}

impl Miner {
    fn request(&mut self, method: &str, params: Value) -> Result<(), String> {
        self.next_id += 1;
        writeln!(
            self.stream,
            "{}",
            json!({ "id": self.next_id, "method": method, "params": params })
        )
        .map_err(|error| error.to_string())
    }

    fn mine(&mut self, lines: &Receiver<Result<Value, String>>, wanted: u32) -> Result<(), String> {
        while self.accepted < wanted {
            let next = match self.work.is_some() {
                true => lines.try_recv(),
                false => lines.recv().map_err(|_| TryRecvError::Disconnected),
            };
            match next {
                Ok(message) => self.receive(&message?)?,
                Err(TryRecvError::Disconnected) => return Err("the reading thread ended".to_owned()),
                Err(TryRecvError::Empty) => self.try_nonces()?,
            }
        }
        emit(json!({ "event": "finished", "accepted": self.accepted, "rejected": self.rejected }));
        Ok(())
    }

    fn receive(&mut self, message: &Value) -> Result<(), String> {
        emit(json!({ "event": "message", "message": message }));
        let params = &message["params"];
        match (message["method"].as_str(), message["id"].as_u64()) {
            (Some("mining.notify"), _) => self.work = Some(work(params)?),
            (Some("mining.set_difficulty"), _) => {
                self.target = target_of(params[0].as_f64().ok_or("set_difficulty: expected a number")?);
            }
            (Some("mining.set_extranonce"), _) => self.set_extranonce(&params[0], &params[1])?,
            (Some(_), _) => {}
            (None, Some(1)) => self.set_extranonce(&message["result"][1], &message["result"][2])?,
            (None, Some(2)) if message["result"] != true => return Err("not authorized".to_owned()),
            (None, Some(id)) if id > 2 => match message["result"] == true {
                true => self.accepted += 1,
                false => self.rejected += 1,
            },
            _ => {}
        }
        Ok(())
    }

    fn set_extranonce(&mut self, first: &Value, second_size: &Value) -> Result<(), String> {
        self.extranonce1 = bytes(first)?;
        self.extranonce2_size = second_size
            .as_u64()
            .ok_or("extranonce2 size: expected a number")? as usize;
        Ok(())
    }

    /// Tries a batch of nonces, each batch with an extranonce of its own, and submits a share.
    fn try_nonces(&mut self) -> Result<(), String> {
        self.extranonce2 += 1;
        let counter = self.extranonce2.to_be_bytes();
        let mut extranonce2 = vec![0; self.extranonce2_size.saturating_sub(8)];
        extranonce2.extend_from_slice(&counter[8 - self.extranonce2_size.min(8)..]);
        let Some(work) = &mut self.work else { return Ok(()) };
        let mut header = work.header(&self.extranonce1, &extranonce2);
        for _ in 0..BATCH {
            work.nonce = work.nonce.wrapping_add(1);
            header[76..].copy_from_slice(&work.nonce.to_le_bytes());
            let hash = sha256d::Hash::hash(&header).to_byte_array();
            if Target::from_le_bytes(hash) > self.target {
                continue;
            }
            emit(json!({ "event": "share", "jobId": work.job_id, "nonce": work.nonce }));
            let params = json!([
                self.user,
                work.job_id,
                hex::encode(&extranonce2),
                format!("{:08x}", work.ntime),
                format!("{:08x}", work.nonce),
            ]);
            self.request("mining.submit", params)?;
            thread::sleep(self.interval);
            break;
        }
        Ok(())
    }
}

impl Work {
    /// The 80 bytes of the header, nonce 0.
    fn header(&self, extranonce1: &[u8], extranonce2: &[u8]) -> [u8; 80] {
        let coinbase = [&self.coinbase1[..], extranonce1, extranonce2, &self.coinbase2].concat();
        let root = self
            .branch
            .iter()
            .fold(sha256d::Hash::hash(&coinbase), |root, hash| {
                sha256d::Hash::hash(&[root.as_byte_array(), &hash[..]].concat())
            });
        let mut header = [0; 80];
        header[..4].copy_from_slice(&self.version.to_le_bytes());
        header[4..36].copy_from_slice(&self.prev_hash);
        header[36..68].copy_from_slice(root.as_byte_array());
        header[68..72].copy_from_slice(&self.ntime.to_le_bytes());
        header[72..76].copy_from_slice(&self.nbits.to_le_bytes());
        header
    }
}

/// A job from the parameters of mining.notify.
fn work(params: &Value) -> Result<Work, String> {
    let number = |value: &Value| {
        value
            .as_str()
            .and_then(|text| u32::from_str_radix(text, 16).ok())
            .ok_or("notify: expected a number")
    };
    let mut prev_hash = bytes(&params[1])?;
    if prev_hash.len() != 32 {
        return Err("notify: expected a previous hash of 32 bytes".to_owned());
    }
    // on the wire of Stratum V1 every word of the previous hash is reversed
    prev_hash.chunks_mut(4).for_each(<[u8]>::reverse);
    Ok(Work {
        job_id: params[0].as_str().ok_or("notify: expected a job id")?.to_owned(),
        prev_hash,
        coinbase1: bytes(&params[2])?,
        coinbase2: bytes(&params[3])?,
        branch: params[4]
            .as_array()
            .ok_or("notify: expected a branch")?
            .iter()
            .map(bytes)
            .collect::<Result<_, _>>()?,
        version: number(&params[5])?,
        nbits: number(&params[6])?,
        ntime: number(&params[7])?,
        nonce: 0,
    })
}

/// Bytes of a hexadecimal string.
fn bytes(value: &Value) -> Result<Vec<u8>, String> {
    hex::decode(value.as_str().ok_or("expected hexadecimal text")?)
}
