//! Events: one JSON object a line on the standard output.

use serde_json::Value;
use std::io::Write;

/// Writes one event and flushes it. If nobody reads any more, the program has no purpose and ends.
pub fn emit(event: Value) {
    let mut output = std::io::stdout().lock();
    if writeln!(output, "{event}").and_then(|()| output.flush()).is_err() {
        std::process::exit(1);
    }
}
