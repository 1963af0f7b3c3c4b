//! Trains the network of the example `digits` from nothing: generated layers, generated gradients.
//!
//! ```text
//! cargo run --release --example train_digits [directory for the results]
//! ```
//!
//! 1437 handwritten digits of 8x8 pixels to learn from, 360 others to be judged by. `tests/data/digits.md`
//! says where they come from, and `train_digits.py` beside it is the same training in PyTorch. The results
//! are a chart and a checkpoint that PyTorch and the example `digits` can load.

mod chart;
mod data;
mod network;

use std::error::Error;
use std::fs;
use std::io::{IsTerminal, Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use chart::Epoch;
use data::{Digits, Random};
use network::{Network, Schedule};

const EPOCHS: usize = 60;
const BATCH: usize = 64;
/// At the end, the network sees the images where they are, and no longer moved about by a pixel.
const STILL: usize = 5;
const SEED: u64 = 0;
/// What the network should have learnt.
const MARK: f64 = 0.975;

fn main() -> ExitCode {
    match run() {
        Ok(accuracy) if accuracy >= MARK => ExitCode::SUCCESS,
        Ok(_) => {
            eprintln!("that is less than {:.1} %", 100.0 * MARK);
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Trains and saves, and returns the accuracy on the images held out.
fn run() -> Result<f64, Box<dyn Error>> {
    let training = Digits::read(include_bytes!("../../tests/data/digits_train.safetensors"))?;
    let held_out = Digits::read(include_bytes!("../../tests/data/digits_test.safetensors"))?;
    let mut network = Network::init(SEED);
    println!("{} digits to learn, {} to be judged by, on {}", training.len(), held_out.len(), network.isa());

    let started = Instant::now();
    let epochs = train(&mut network, &training, &held_out)?;
    let (seconds, accuracy) = (started.elapsed().as_secs_f64(), network.accuracy(&held_out)?);
    println!("\n{:.2} % of the digits it never saw, after {seconds:.1} s", 100.0 * accuracy);

    let directory =
        std::env::args().nth(1).map_or_else(|| PathBuf::from("target/train_digits"), PathBuf::from);
    fs::create_dir_all(&directory)?;
    let (chart, checkpoint) = (directory.join("chart.svg"), directory.join("digits.safetensors"));
    fs::write(&chart, chart::svg(&epochs))?;
    fs::write(&checkpoint, network.checkpoint()?)?;
    println!("chart:      {}\ncheckpoint: {}", chart.display(), checkpoint.display());
    Ok(accuracy)
}

/// All epochs, and what was measured after each.
fn train(network: &mut Network, training: &Digits, held_out: &Digits) -> Result<Vec<Epoch>, Box<dyn Error>> {
    let mut random = Random::new(SEED);
    let mut schedule = Schedule::new(EPOCHS * training.len().div_ceil(BATCH));
    let mut epochs = Vec::new();
    for epoch in 0..EPOCHS {
        let mut loss = 0.0;
        for batch in random.shuffled(training.len()).chunks(BATCH) {
            let still = epoch + STILL >= EPOCHS;
            let shift =
                if still { [0, 0] } else { [random.below(3), random.below(3)].map(|step| [-1, 0, 1][step]) };
            let (images, labels) = training.batch(batch, shift);
            loss += network.learn(&images, &labels, schedule.next_rate())? * batch.len() as f64;
        }
        let loss = loss / training.len() as f64;
        epochs.push(Epoch { loss, accuracy: network.accuracy(held_out)? });
        progress(&epochs)?;
    }
    Ok(epochs)
}

/// One line that grows, where somebody looks at it; else a line now and then.
fn progress(epochs: &[Epoch]) -> Result<(), Box<dyn Error>> {
    let (done, live) = (epochs.len(), stdout().is_terminal());
    let Some(Epoch { loss, accuracy }) = epochs.last() else { return Ok(()) };
    if live || done % 10 == 0 {
        let bar = "#".repeat(done * 30 / EPOCHS);
        let line = format!(
            "[{bar:.<30}] epoch {done:2}/{EPOCHS}  loss {loss:.4}  held out {:.2} %",
            100.0 * accuracy
        );
        if live {
            print!("\r{line}");
        } else {
            println!("{line}");
        }
        stdout().flush()?;
    }
    Ok(())
}
