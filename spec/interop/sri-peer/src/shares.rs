//! `sri-peer shares`: the reference's channels, driven by JSON commands. See ../../README.md for the commands.

mod answer;
mod channel;
mod engine;
mod fields;
mod generator;

pub use answer::message;
pub use channel::{coinbase_outputs, new_template};
pub use engine::Engine;
pub use fields::{Fields, Result};
pub use generator::{generate, steps};

use serde_json::{json, Value};
use std::io::{self, BufRead, Write};

/// Reads one JSON command a line from `input` and writes one JSON answer a line to `output`, until the input ends.
///
/// Answers are flushed as soon as no further command is waiting.
pub fn serve(input: impl io::Read, output: impl Write) -> io::Result<()> {
    let mut engine = Engine::default();
    let mut reader = io::BufReader::new(input);
    let mut writer = io::BufWriter::new(output);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let answer = match serde_json::from_str::<Value>(&line) {
            Ok(command) => engine.apply(&command),
            Err(error) => json!({ "error": format!("not a JSON command: {error}"), "errorCode": null }),
        };
        writeln!(writer, "{answer}")?;
        line.clear();
        if !reader.buffer().contains(&b'\n') {
            writer.flush()?;
        }
    }
    writer.flush()
}
