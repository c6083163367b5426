//! `sri-peer vectors`: test vectors of the reference implementation as JSON files.

mod bitcoin;
mod messages;
mod noise;
mod shares;

use serde_json::{Map, Value};
use std::path::Path;
use std::{fs, io};

/// The lock file that this program was built with: where crate versions are read from.
const LOCK: &str = include_str!("../Cargo.lock");

/// The crates whose behaviour the vectors record.
const RECORDED: [&str; 12] = [
    "stratum-core",
    "binary_sv2",
    "framing_sv2",
    "codec_sv2",
    "noise_sv2",
    "common_messages_sv2",
    "mining_sv2",
    "job_declaration_sv2",
    "template_distribution_sv2",
    "extensions_sv2",
    "parsers_sv2",
    "channels_sv2",
];

/// Makes the members of one file.
type Members = fn() -> Map<String, Value>;

/// Writes every vector file into `directory`, creating it if needed.
pub fn write(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let files: [(&str, Members); 4] = [
        ("messages", messages::vectors),
        ("noise", noise::vectors),
        ("bitcoin", bitcoin::vectors),
        ("shares", shares::vectors),
    ];
    for (name, vectors) in files {
        let mut file = Map::new();
        file.insert("crates".into(), crates());
        file.append(&mut vectors());
        let mut text = compact(&Value::Object(file), 0);
        text.push('\n');
        fs::write(directory.join(format!("{name}.json")), text)?;
    }
    Ok(())
}

/// Name and locked version of each recorded crate.
fn crates() -> Value {
    RECORDED
        .iter()
        .map(|name| {
            let (_, rest) = LOCK
                .split_once(&format!("name = \"{name}\"\nversion = \""))
                .unwrap_or_else(|| panic!("{name} is not locked"));
            let version = rest.split('"').next().expect("a version");
            ((*name).to_owned(), Value::from(version))
        })
        .collect::<Map<_, _>>()
        .into()
}

/// JSON with one line for everything that fits on one, so that differences read well and files stay small.
fn compact(value: &Value, indent: usize) -> String {
    const WIDTH: usize = 110;
    let inline = value.to_string();
    let container = matches!(value, Value::Array(_) | Value::Object(_));
    if !container || indent + inline.len() <= WIDTH {
        return inline;
    }
    let (open, close, lines): (_, _, Vec<String>) = match value {
        Value::Array(elements) => (
            '[',
            ']',
            elements
                .iter()
                .map(|element| compact(element, indent + 2))
                .collect(),
        ),
        Value::Object(members) => (
            '{',
            '}',
            members
                .iter()
                .map(|(key, member)| {
                    format!("{}: {}", Value::from(key.as_str()), compact(member, indent + 2))
                })
                .collect(),
        ),
        _ => unreachable!("only containers get here"),
    };
    let pad = " ".repeat(indent + 2);
    let body = lines.join(&format!(",\n{pad}"));
    format!("{open}\n{pad}{body}\n{}{close}", " ".repeat(indent))
}
