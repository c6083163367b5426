//! Commands: one JSON object a line on the standard input.

use super::events::emit;
use super::session::{lock, Sessions};
use crate::shares::{Fields, Result};
use crate::{catalog, frame, hex, json as sv2_json};
use serde_json::{json, Value};
use std::io::BufRead;

/// Carries out commands until `quit` or the end of the input.
pub fn run(sessions: &Sessions) -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let command: Value = match serde_json::from_str(&line) {
            Ok(command) => command,
            Err(error) => {
                emit(json!({ "event": "error", "error": format!("not a JSON command: {error}") }));
                continue;
            }
        };
        if command["cmd"] == "quit" {
            break;
        }
        let outcome = Fields::of(&command).and_then(|fields| carry_out(sessions, fields));
        let mut event = outcome.unwrap_or_else(|error| json!({ "event": "error", "error": error }));
        event["cmd"] = command["cmd"].clone();
        emit(event);
    }
    Ok(())
}

fn carry_out(sessions: &Sessions, command: Fields) -> Result<Value> {
    let id = command.has("conn").then(|| command.int("conn")).transpose()?;
    let (id, writer) = sessions.writer(id).ok_or("no such connection")?;
    let switch = |name| {
        if command.has(name) {
            command.bool(name)
        } else {
            Ok(false)
        }
    };
    match command.text("cmd")? {
        name @ ("send" | "sendCatalog") => {
            let frames = if name == "send" {
                frames_of(command)?
            } else {
                catalog_frames(command)?
            };
            let repeat = if command.has("repeat") {
                command.int("repeat")?
            } else {
                1
            };
            let frames = vec![frames; repeat].concat();
            let count = frames.len();
            let bytes = lock(&writer).send(frames, switch("coalesce")?, switch("dribble")?)?;
            Ok(json!({ "event": "done", "conn": id, "frames": count, "bytes": bytes }))
        }
        "raw" => {
            let bytes = command.bytes("hex")?;
            lock(&writer).raw(&bytes)?;
            Ok(json!({ "event": "done", "conn": id, "bytes": bytes.len() }))
        }
        "close" => {
            lock(&writer).close();
            Ok(json!({ "event": "done", "conn": id }))
        }
        other => Err(format!("unknown command {other:?}")),
    }
}

/// `frames`: hexadecimal, or a header with a payload whose byte `i` is `(i * multiplier + offset) mod 256`.
fn frames_of(command: Fields) -> Result<Vec<Vec<u8>>> {
    let frames = command
        .find("frames")
        .and_then(Value::as_array)
        .ok_or("frames: expected an array")?;
    frames
        .iter()
        .map(|frame| match frame.as_str() {
            Some(text) => hex::decode(text).map_err(|error| format!("frames: {error}")),
            None => {
                let fields = Fields::of(frame)?;
                let payload = fields.object("payload")?;
                let (multiplier, offset): (usize, usize) =
                    (payload.int("multiplier")?, payload.int("offset")?);
                let mut bytes = fields.bytes("header")?;
                bytes.extend((0..payload.int("length")?).map(|i: usize| (i * multiplier + offset) as u8));
                Ok(bytes)
            }
        })
        .collect()
}

/// Frames of the catalogue, as in messages.json: only of `names` and `cases`, if given.
fn catalog_frames(command: Fields) -> Result<Vec<Vec<u8>>> {
    let wanted = |list: &str, name: &str| {
        command
            .find(list)
            .and_then(Value::as_array)
            .is_none_or(|names| names.iter().any(|known| known == name))
    };
    let mut frames = Vec::new();
    for make in catalog::makers() {
        for (case, fullness) in catalog::CASES {
            if !wanted("cases", case) {
                continue;
            }
            let bytes = frame::encode(make(fullness)).map_err(|error| error.to_string())?;
            let name = sv2_json::name(&bytes).map_err(|error| error.to_string())?;
            if wanted("names", name) {
                frames.push(bytes);
            }
        }
    }
    match frames.is_empty() {
        true => Err("the catalogue has no such message".to_owned()),
        false => Ok(frames),
    }
}
