//! The reference implementation's crates as a peer for rx-sv2. See ../README.md for the commands.

mod catalog;
mod frame;
mod hex;
mod json;
mod rng;
mod shares;
mod transcript;
mod vectors;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments[0] == "shares" && arguments.len() > 2 {
        shares::generate(
            arguments[1].parse().unwrap(),
            arguments[2].parse().unwrap(),
            std::io::stdout(),
        )
        .unwrap();
        return ExitCode::SUCCESS;
    }
    if arguments[0] == "shares" {
        shares::serve(std::io::stdin(), std::io::stdout()).unwrap();
        return ExitCode::SUCCESS;
    }
    vectors::write(Path::new(&arguments[1])).unwrap();
    ExitCode::SUCCESS
}
