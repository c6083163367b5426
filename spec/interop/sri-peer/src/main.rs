//! The reference implementation's crates as a peer for rx-sv2. See ../README.md for the commands.

mod catalog;
mod frame;
mod hex;
mod json;
mod rng;
mod transcript;
mod vectors;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    vectors::write(Path::new(&arguments[1])).unwrap();
    ExitCode::SUCCESS
}
