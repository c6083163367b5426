//! Command-line arguments: `--name value`, `--switch`, and what comes without a name.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

/// The arguments of one command.
pub struct Args {
    values: HashMap<String, String>,
    switches: HashSet<String>,
    positional: Vec<String>,
}

impl Args {
    /// Sorts `arguments` by the names the command knows; an error names one that it does not.
    pub fn parse(
        arguments: impl IntoIterator<Item = String>,
        values: &[&str],
        switches: &[&str],
    ) -> Result<Self, String> {
        let mut args = Self {
            values: HashMap::new(),
            switches: HashSet::new(),
            positional: Vec::new(),
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.strip_prefix("--") {
                None => args.positional.push(argument),
                Some(name) if switches.contains(&name) => {
                    args.switches.insert(name.to_owned());
                }
                Some(name) if values.contains(&name) => {
                    let value = arguments
                        .next()
                        .ok_or_else(|| format!("--{name} needs a value"))?;
                    args.values.insert(name.to_owned(), value);
                }
                Some(_) => return Err(format!("unknown option {argument}")),
            }
        }
        Ok(args)
    }

    /// Whether a switch was given.
    pub fn has(&self, switch: &str) -> bool {
        self.switches.contains(switch)
    }

    /// The text of an option, if given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A value of an option, if given.
    pub fn find<T: FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        self.text(name)
            .map(|text| {
                text.parse()
                    .map_err(|_| format!("--{name}: {text:?} is not valid"))
            })
            .transpose()
    }

    /// A value of an option, or its default.
    pub fn get<T: FromStr>(&self, name: &str, default: T) -> Result<T, String> {
        Ok(self.find(name)?.unwrap_or(default))
    }

    /// A comma-separated list of numbers; empty if not given.
    pub fn list(&self, name: &str) -> Result<Vec<u16>, String> {
        self.text(name)
            .unwrap_or_default()
            .split(',')
            .filter(|item| !item.is_empty())
            .map(|item| {
                item.parse()
                    .map_err(|_| format!("--{name}: {item:?} is not a number"))
            })
            .collect()
    }

    /// The only argument without a name.
    pub fn only(&self, what: &str) -> Result<&str, String> {
        match &self.positional[..] {
            [only] => Ok(only),
            _ => Err(format!("expected one argument: {what}")),
        }
    }
}
