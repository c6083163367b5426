//! shares.json: sessions of commands to the reference's channels with its answers.

mod scenario;
mod scenarios;

use crate::shares;
use serde_json::{json, Map, Value};

/// The members of the file.
pub fn vectors() -> Map<String, Value> {
    let mut sessions = scenarios::all();
    sessions.push(json!({ "name": "random session, seed 7", "steps": shares::steps(7, 250) }));
    Map::from_iter([("sessions".to_owned(), Value::Array(sessions))])
}
