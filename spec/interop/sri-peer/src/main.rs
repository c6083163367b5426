//! The reference implementation's crates as a peer for rx-sv2. See ../README.md.

mod args;
mod catalog;
mod frame;
mod hex;
mod json;
mod miner;
mod peer;
mod rng;
mod shares;
mod sv1;
mod transcript;
mod vectors;

use args::Args;
use std::path::Path;
use std::process::ExitCode;

/// What the program can do, in short; README.md beside the program has the details.
const HELP: &str = "\
The Stratum V2 reference implementation's crates as a peer for rx-sv2.

sri-peer vectors DIRECTORY
    Writes messages.json, noise.json, bitcoin.json and shares.json.

sri-peer shares
    Reads commands about channels, jobs and shares, one JSON object a line, and answers each with one.
sri-peer shares --seed N --count N
    Writes a random session of N shares with the reference's answers, one {command, answer} a line.

sri-peer server [options]            sri-peer client --connect HOST:PORT [options]
    Speak the protocol over TCP. Read commands (send, sendCatalog, raw, close, quit) and write events
    (listening, connected, established, handshakeFailed, frame, parseError, done, error, closed), one JSON
    object a line. End with the standard input.

    both:    --plaintext             no encryption
             --authority-public KEY  base58check or hexadecimal; a client without it trusts anybody
             --echo                  send every message back, encoded anew
             --negotiated LIST       extensions whose TLVs are read (2)
             --payload-limit BYTES   leave payloads of longer frames out of events (65536)
             --setup-flags N         flags of SetupConnection or SetupConnection.Success (0)
    server:  --listen HOST:PORT      (127.0.0.1:0)
             --authority-secret KEY  base58check or hexadecimal
             --cert-validity SECONDS (3600)
             --cert-issued-at N      seconds from now, negative for the past (0)
             --expired               a certificate that ended a day ago
             --manual                answer nothing
             --protocol N            else unsupported-protocol
             --supported-flags N     else unsupported-feature-flags
             --setup-error CODE      refuse every SetupConnection; --setup-error-flags N
             --extensions LIST       supported ones; --required-extensions LIST
    client:  --setup-protocol N      send SetupConnection; --min-version N, --max-version N (2)
             --request-extensions LIST   after SetupConnection.Success

sri-peer miner --connect HOST:PORT [options]
    A mining device made of the reference's client channels. Writes events (message, share, finished), one
    JSON object a line; ends when enough shares are acknowledged.

             --plaintext, --authority-public KEY   as above
             --kind standard|extended (standard)   --extranonce-size N (4)
             --user TEXT (sri-peer)                --hash-rate N (1000)
             --worker TEXT           extension 0x0002: the worker named in each share of an extended channel
             --flags N               flags of SetupConnection (0)
             --interval MS           least time between two shares (20)
             --shares N              how many shares must be acknowledged

sri-peer sv1-miner --connect HOST:PORT [--user NAME] [--interval MS] [--shares N]
    A Stratum V1 mining device, to mine through the reference's translator. The same kind of events.

Exit status: 0, or 2 with what is wrong on standard error.
";

fn main() -> ExitCode {
    // a panic of the reference becomes an answer or an event
    std::panic::set_hook(Box::new(|_| {}));
    let mut arguments = std::env::args().skip(1);
    let result = match arguments.next().as_deref() {
        Some("vectors") => vectors(arguments.collect()),
        Some("shares") => shares(arguments.collect()),
        Some("server") => peer::server(arguments.collect()),
        Some("sv1-miner") => sv1::run(arguments.collect()),
        Some("miner") => miner::run(arguments.collect()),
        Some("client") => peer::client(arguments.collect()),
        Some("--help" | "-h" | "help") => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err("expected vectors, shares, server, client, miner or sv1-miner; see --help".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sri-peer: {error}");
            ExitCode::from(2)
        }
    }
}

fn vectors(arguments: Vec<String>) -> Result<(), String> {
    let args = Args::parse(arguments, &[], &[])?;
    let _ = std::panic::take_hook();
    vectors::write(Path::new(args.only("the directory to write to")?)).map_err(|error| error.to_string())
}

fn shares(arguments: Vec<String>) -> Result<(), String> {
    let args = Args::parse(arguments, &["seed", "count"], &[])?;
    match args.find("seed")? {
        Some(seed) => shares::generate(seed, args.get("count", 10_000)?, std::io::stdout()),
        None => shares::serve(std::io::stdin(), std::io::stdout()),
    }
    .map_err(|error| error.to_string())
}
