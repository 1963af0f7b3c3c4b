//! A run: layer after layer, and for each everybody in turn.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use conv_runtime::Isa;
use layers::{Data, Row, Work};

use crate::contender::Field;
use crate::machine::{self, Machine};
use crate::python::{self, Server};
use crate::report::{Head, Measured, Report, Times};
use crate::{Failure, Options};

/// Rounds of turns: each contender adds its samples in each.
const ROUNDS: usize = 3;

/// Measures everything.
pub(crate) fn run(options: &Options) -> Result<Report, Failure> {
    // This thread is the pool: libraries that use rayon neither start threads nor change them.
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global()?;
    let begun = Instant::now();
    let isa = Isa::current()?.name().to_owned();
    let (mut versions, mut missing) = (crates(), BTreeMap::new());
    let mut servers = Vec::new();
    for package in python::PACKAGES {
        match Server::start(package, &options.python, isa == "avx2") {
            Ok((server, version)) => {
                versions.insert(package.to_owned(), version);
                servers.push(server);
            }
            Err(reason) => drop(missing.insert(package.to_owned(), reason.to_string())),
        }
    }
    let machine = Machine::measure();
    let mut layers = Vec::new();
    let wanted = |row: &&Row| options.only.iter().any(|prefix| row.name.starts_with(prefix));
    for row in layers::rows().iter().filter(wanted) {
        let data = Data::new(row)?;
        for work in row.works() {
            if options.work.is_empty() || options.work == work.name() {
                let mut field = Field::new(row, &data, work, &mut servers)?;
                sample(&mut field, options.samples, &mut servers)?;
                layers.push(measured(row, work, field, &machine, &isa));
                eprintln!("{}", layers[layers.len() - 1]);
            }
        }
    }
    let started = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let (seconds, processor) = (begun.elapsed().as_secs_f64(), machine::processor());
    Ok(Report { head: Head { started, seconds, processor, isa, machine, versions, missing }, layers })
}

/// Everybody in turn.
fn sample(field: &mut Field, samples: usize, servers: &mut [Server]) -> Result<(), Failure> {
    for _ in 0..ROUNDS {
        for contender in &mut field.contenders {
            contender.sample(samples.div_ceil(ROUNDS), servers)?;
        }
    }
    Ok(())
}

fn measured(row: &Row, work: Work, field: Field, machine: &Machine, isa: &str) -> Measured {
    let (flops, bytes) = (row.flops(work), row.bytes(work));
    let times = field.contenders.into_iter().map(|contender| {
        let samples = contender.samples.into_iter().map(rounded).collect();
        let (error, prepared) = (rounded(contender.error), rounded(contender.prepared));
        (contender.name, Times { samples, error, prepared })
    });
    Measured {
        name: row.name.to_owned(),
        table: row.table.to_owned(),
        work: work.name().to_owned(),
        isa: isa.to_owned(),
        is_wider: machine.avx512.is_some() && isa != "avx512",
        flops,
        bytes,
        limit: rounded(machine.limit(flops, bytes, isa)),
        algorithm: row.algorithm(),
        times: times.collect(),
        refused: field.refused.into_iter().collect(),
    }
}

/// Four digits, which is as many as a clock has.
fn rounded(number: f64) -> f64 {
    format!("{number:.3e}").parse().unwrap_or(number)
}

/// The crates' versions, as the lock file has them.
fn crates() -> BTreeMap<String, String> {
    let lock = include_str!("../Cargo.lock");
    let version = |name: &str| {
        let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        Some((name.to_owned(), rest.split('"').next()?.to_owned()))
    };
    ["burn-flex", "candle-core", "rten", "tract-core"].into_iter().filter_map(version).collect()
}
