//! Times conv-runtime beside its peers: other Rust crates in this process, Python packages in processes of their own,
//! all on one core, layer after layer in turn. The README of this folder says how it is run and what is fair about it.

mod clock;
mod contender;
mod machine;
mod python;
mod report;
mod run;
mod rust;

use std::path::{Path, PathBuf};

use crate::report::Report;

/// Whatever went wrong, for a person to read.
type Failure = Box<dyn std::error::Error + Send + Sync>;

const USAGE: &str =
    "peers run NAME [--only PREFIX,..] [--work forward|backward|step] [--samples N] [--python PATH]
peers report NAME       table and charts of results/NAME.jsonl again
peers readme NAME [OTHER]...   the repository's README, from these numbers, those of NAME-avx2, and other machines'";

/// What is to be measured.
struct Options {
    /// Prefixes of the layers' names.
    only: Vec<String>,
    /// The one work, or all if it is empty.
    work: String,
    samples: usize,
    python: PathBuf,
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(command), Some(name)) = (arguments.next(), arguments.next()) else {
        return Err(USAGE.into());
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let results = folder.join("results");
    match command.as_str() {
        "run" => run::run(&options(folder, arguments)?)?.write(&results, &name),
        "report" => Report::read(&results, &name)?.write(&results, &name),
        "readme" => {
            let others: Vec<String> = arguments.collect();
            report::readme::write(&results, &name, &others, &folder.join("../../README.md"))
        }
        _ => Err(USAGE.into()),
    }
}

fn options(folder: &Path, mut arguments: impl Iterator<Item = String>) -> Result<Options, Failure> {
    let mut options = Options {
        only: vec![String::new()],
        work: String::new(),
        samples: 15,
        python: folder.join(".venv/bin/python"),
    };
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        match option.as_str() {
            "--only" => options.only = value.split(',').map(str::to_owned).collect(),
            "--work" => options.work = value,
            "--samples" => options.samples = value.parse()?,
            "--python" => options.python = value.into(),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(options)
}
