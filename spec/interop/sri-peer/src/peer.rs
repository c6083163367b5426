//! `sri-peer server` and `sri-peer client`: the reference's codec on a socket, steered by JSON lines.
//! See ../../README.md for options, commands and events.

mod control;
mod events;
mod keys;
mod link;
mod manners;
mod session;

use crate::args::Args;
pub use events::emit;
pub use link::{establish, Identity, Reader, Writer};

use manners::Manners;
use serde_json::json;
use session::Sessions;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// Options with a value that both roles take.
const VALUES: [&str; 4] = ["authority-public", "payload-limit", "setup-flags", "negotiated"];

/// Listens until the standard input ends; never returns without an error before that.
pub fn server(arguments: Vec<String>) -> Result<(), String> {
    let own = [
        "listen",
        "authority-secret",
        "cert-validity",
        "cert-issued-at",
        "protocol",
        "supported-flags",
        "setup-error",
        "setup-error-flags",
        "extensions",
        "required-extensions",
    ];
    let args = Args::parse(
        arguments,
        &[&VALUES[..], &own].concat(),
        &["plaintext", "manual", "echo", "expired"],
    )?;
    let identity = Identity::server(&args)?;
    let manners = Arc::new(Manners::server(&args)?);
    let address = args.get("listen", "127.0.0.1:0".to_owned())?;
    let listener = TcpListener::bind(&address).map_err(|error| format!("{address}: {error}"))?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    emit(json!({ "event": "listening", "port": port, "authorityPublic": identity.authority_text() }));
    let sessions = Arc::new(Sessions::default());
    let accepting = sessions.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            accepting.start(stream, identity.clone(), manners.clone());
        }
    });
    control::run(&sessions)
}

/// Connects, and stays until the standard input ends.
pub fn client(arguments: Vec<String>) -> Result<(), String> {
    let own = [
        "connect",
        "setup-protocol",
        "min-version",
        "max-version",
        "request-extensions",
    ];
    let args = Args::parse(arguments, &[&VALUES[..], &own].concat(), &["plaintext", "echo"])?;
    let identity = Identity::client(&args)?;
    let manners = Arc::new(Manners::client(&args)?);
    let address = args.text("connect").ok_or("--connect is missing")?;
    let stream = TcpStream::connect(address).map_err(|error| format!("{address}: {error}"))?;
    let sessions = Sessions::default();
    sessions.start(stream, identity, manners);
    control::run(&sessions)
}
