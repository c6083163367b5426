//! Connections by number, each with a thread that reads.

use super::events::emit;
use super::link::{self, Identity, Reader, Writer};
use super::manners::Manners;
use crate::{frame, json as sv2_json};
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use stratum_core::parsers_sv2::{AnyMessageOwned, Tlv};

/// A writer that the reading thread and the commands share.
pub type SharedWriter = Arc<Mutex<Writer>>;

/// The connections that are open.
#[derive(Default)]
pub struct Sessions {
    last: AtomicU64,
    writers: Arc<Mutex<BTreeMap<u64, SharedWriter>>>,
}

/// A lock; a thread that panicked while holding it left nothing half done that matters here.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Sessions {
    /// Takes a connection: handshake, greeting, then one event for each frame until it closes.
    pub fn start(&self, stream: TcpStream, identity: Identity, manners: Arc<Manners>) {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let writers = self.writers.clone();
        emit(json!({ "event": "connected", "conn": id }));
        thread::spawn(move || {
            let (writer, reader) = match link::establish(stream, &identity) {
                Ok(halves) => halves,
                Err(error) => return emit(json!({ "event": "handshakeFailed", "conn": id, "error": error })),
            };
            let writer = Arc::new(Mutex::new(writer));
            lock(&writers).insert(id, writer.clone());
            let encrypted = !matches!(identity, Identity::Plaintext);
            emit(json!({ "event": "established", "conn": id, "encrypted": encrypted }));
            let error = converse(id, &writer, reader, &manners).err();
            lock(&writers).remove(&id);
            lock(&writer).close();
            emit(json!({ "event": "closed", "conn": id, "error": error }));
        });
    }

    /// The writer of a connection: of number `id`, or of the latest one.
    pub fn writer(&self, id: Option<u64>) -> Option<(u64, SharedWriter)> {
        let writers = lock(&self.writers);
        match id {
            Some(id) => writers.get(&id).map(|writer| (id, writer.clone())),
            None => writers.last_key_value().map(|(id, writer)| (*id, writer.clone())),
        }
    }
}

/// Reads frames and answers them until the peer closes; an error says why it ended otherwise.
fn converse(id: u64, writer: &SharedWriter, mut reader: Reader, manners: &Manners) -> Result<(), String> {
    if let Some(greeting) = manners.greeting() {
        reply(writer, greeting, &[])?;
    }
    while let Some(bytes) = reader.next()? {
        let handled = panic::catch_unwind(|| received(id, &bytes, manners));
        let (event, replies) = match handled {
            Ok(Ok(handled)) => handled,
            Ok(Err(error)) => (parse_error(id, &bytes, &error), vec![]),
            Err(_) => (parse_error(id, &bytes, "the reference panicked"), vec![]),
        };
        emit(event);
        for (message, tlvs) in replies {
            reply(writer, message, &tlvs)?;
        }
    }
    Ok(())
}

/// A message to send with its TLVs.
type Reply = (AnyMessageOwned, Vec<Tlv>);

/// The event of a frame and what to send in answer.
fn received(id: u64, bytes: &[u8], manners: &Manners) -> Result<(Value, Vec<Reply>), String> {
    let mut copy = bytes.to_vec();
    let (message, tlvs) = frame::parse(&mut copy, &manners.negotiated).map_err(|error| error.to_string())?;
    let tlvs = tlvs.unwrap_or_default();
    let answer = manners.answer(&message);
    let owned = message.into_owned();
    let reencoded = encode(owned.clone(), &tlvs)?;
    let mut event =
        json!({ "event": "frame", "conn": id, "length": bytes.len(), "same": reencoded == bytes });
    let mut message = sv2_json::message(bytes, &manners.negotiated).map_err(|error| error.to_string())?;
    if bytes.len() > manners.payload_limit {
        message["payload"] = Value::Null;
    }
    message["reencoded"] = sv2_json::frame(&reencoded);
    message["sha256"] = Value::from(sv2_json::sha256_hex(bytes));
    let members = event.as_object_mut().expect("an object");
    members.append(message.as_object_mut().expect("an object"));
    let mut replies: Vec<Reply> = answer.into_iter().map(|message| (message, vec![])).collect();
    if manners.echo {
        replies.push((owned, tlvs));
    }
    Ok((event, replies))
}

fn parse_error(id: u64, bytes: &[u8], error: &str) -> Value {
    json!({
        "event": "parseError", "conn": id, "error": error, "length": bytes.len(), "frame": sv2_json::frame(bytes),
    })
}

fn encode(message: AnyMessageOwned, tlvs: &[Tlv]) -> Result<Vec<u8>, String> {
    match tlvs {
        [] => frame::encode(message),
        _ => frame::encode_with_tlvs(message, tlvs),
    }
    .map_err(|error| error.to_string())
}

fn reply(writer: &SharedWriter, message: AnyMessageOwned, tlvs: &[Tlv]) -> Result<(), String> {
    let bytes = encode(message, tlvs)?;
    lock(writer).send(vec![bytes], false, false).map(drop)
}
