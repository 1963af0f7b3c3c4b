//! Whoever is timed: the generated layers, Rust crates, and packages that a Python process runs.

use layers::{Call, Data, Row, Work};

use crate::Failure;
use crate::clock::Clock;
use crate::python::Server;
use crate::rust;

/// How far from the definition a result may be, as a part of its largest number: beyond any `f32` algorithm's
/// rounding, below that of 16-bit numbers.
const TOLERANCE: f64 = 5e-4;

/// Nobody is timed for longer than this, in seconds, but by the last sample.
const ENOUGH: f64 = 0.2;

/// Somebody who is ready to do a layer's work again and again.
pub(crate) struct Contender {
    pub(crate) name: String,
    /// The largest difference from the definition, as a part of the largest number.
    pub(crate) error: f64,
    /// Seconds that it took to get ready.
    pub(crate) prepared: f64,
    /// Seconds a call.
    pub(crate) samples: Vec<f64>,
    place: Place,
}

enum Place {
    Here(Clock),
    /// The server of this index.
    Python(usize),
}

impl Contender {
    /// Takes samples, fewer of what takes long.
    pub(crate) fn sample(&mut self, samples: usize, servers: &mut [Server]) -> Result<(), Failure> {
        for _ in 0..samples {
            if self.samples.iter().sum::<f64>() > ENOUGH {
                break;
            }
            self.samples.push(match &mut self.place {
                Place::Here(clock) => clock.sample(),
                Place::Python(server) => servers[*server].sample(&self.name)?,
            });
        }
        Ok(())
    }
}

/// Who takes part in a layer's work, and who does not, and why.
#[derive(Default)]
pub(crate) struct Field {
    pub(crate) contenders: Vec<Contender>,
    pub(crate) refused: Vec<(String, String)>,
}

impl Field {
    /// Everybody gets ready; who computes the right numbers takes part.
    ///
    /// Our own being wrong is a failure.
    pub(crate) fn new(row: &Row, data: &Data, work: Work, servers: &mut [Server]) -> Result<Self, Failure> {
        let mut field = Self::default();
        for (name, make) in row.ours(work) {
            field.add(name, make(data)?, data.expected(work));
        }
        if let Some((name, reason)) = field.refused.first() {
            return Err(format!("{}, {name}: {reason}", row.name).into());
        }
        for (name, make) in rust::PEERS {
            match make(row, data, work).transpose() {
                Some(Ok(call)) => field.add(name, call, data.expected(work)),
                Some(Err(reason)) => field.refuse(name, &reason.to_string()),
                None => {}
            }
        }
        for (at, server) in servers.iter_mut().enumerate() {
            if work == Work::Forward || server.trains() {
                field.ask(at, server, row, data, work);
            }
        }
        Ok(field)
    }

    /// A function of this process.
    fn add(&mut self, name: &str, call: Call, expected: &[Vec<f64>]) {
        let Call { results, prepared, again } = call;
        let place = Place::Here(Clock::new(again));
        self.judge(name, prepared.as_secs_f64(), &results, expected, place);
    }

    /// All the ways in which a Python package can do it.
    fn ask(&mut self, at: usize, server: &mut Server, row: &Row, data: &Data, work: Work) {
        match server.prepare(row, data, work) {
            Ok(variants) => {
                for (name, (prepared, results)) in variants {
                    self.judge(&name, prepared, &results, data.expected(work), Place::Python(at));
                }
            }
            Err(reason) => self.refuse(server.package, &reason.to_string()),
        }
    }

    fn judge(
        &mut self,
        name: &str,
        prepared: f64,
        results: &[Vec<f32>],
        expected: &[Vec<f64>],
        place: Place,
    ) {
        let error = difference(results, expected);
        if error <= TOLERANCE {
            let (name, samples) = (name.to_owned(), Vec::new());
            self.contenders.push(Contender { name, error, prepared, samples, place });
        } else {
            self.refuse(name, &format!("wrong by {error:.1e} of the largest number"));
        }
    }

    /// Notes a reason: its first line, for backtraces are of no use.
    fn refuse(&mut self, name: &str, reason: &str) {
        let reason = reason.lines().next().unwrap_or_default();
        self.refused.push((name.to_owned(), reason.to_owned()));
    }
}

/// The largest difference from what is expected, as a part of each result's largest number.
fn difference(results: &[Vec<f32>], expected: &[Vec<f64>]) -> f64 {
    if results.iter().map(Vec::len).ne(expected.iter().map(Vec::len)) {
        return f64::INFINITY;
    }
    let one = |(result, expected): (&Vec<f32>, &Vec<f64>)| {
        let scale = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        largest(result.iter().zip(expected).map(|(&got, &value)| (f64::from(got) - value).abs())) / scale
    };
    largest(results.iter().zip(expected).map(one))
}

/// The largest number, or NaN if there is one, which `f64::max` would let pass.
fn largest(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(0.0, |largest, number| if number <= largest { largest } else { number })
}
