//! A picture in, four filtered pictures out: constant layers, beside the filters of `imageproc` and `image`.
//!
//! ```text
//! cargo run --release --package filters [PICTURE.png [FOLDER]]
//! ```
//!
//! Without arguments it draws a picture itself, and writes to `target/filters`. The filters' weights are in the program:
//! the macro has made loops for just these numbers.

mod filters;
mod picture;
mod rivals;
mod scene;

use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs};

use conv_runtime::prelude::*;

use filters::{Filter, filters, show};
use picture::Picture;

/// How far apart two results may be: pixels are from 0 to 1, and a kernel has up to 25 terms.
const TOLERANCE: f32 = 1e-5;

/// How long each filter is run for its time, again and again.
const TIMED: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all results agree.
fn run() -> Result<bool, Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let given = arguments.next();
    let folder = arguments.next().unwrap_or_else(|| "target/filters".into());
    fs::create_dir_all(&folder)?;
    let picture = if let Some(path) = given { Picture::read(&path)? } else { scene::draw(1920, 1080) };
    picture.write(&folder.join("picture.png"))?;
    let grey = picture.grey()?;
    let [_, height, width] = grey.shape();
    println!("{width} x {height} pixels; microseconds for one channel of f32, on one thread\n");
    println!("{:<10}{:>10}{:>12}{:>10}   largest difference", "filter", "conv2d!", "imageproc", "image");
    let mut agree = true;
    for filter in filters() {
        agree &= report(&filter, &grey)?;
        write(&filter, &picture, &folder)?;
    }
    println!("{:<10}{:>10.0}", "(a copy)", micros(|| grey.clone()));
    println!("\nThe pictures are in {}.", folder.display());
    Ok(agree)
}

/// A line of the table. Whether the results agree.
fn report(filter: &Filter, grey: &Tensor<f32, 3>) -> Result<bool, Box<dyn Error>> {
    let mut output = Tensor::full(filter.output_shape(grey.shape())?, f32::NAN);
    let mut scratch = Scratch::new();
    filter.run(grey.view(), output.view_mut(), &mut scratch)?;
    let ours = micros(|| filter.run(grey.view(), output.view_mut(), &mut scratch));
    let image = rivals::image(grey)?;
    let (theirs, results) = timed(|| match filter.row {
        Some(row) => rivals::separable(&image, row),
        None => rivals::imageproc(&image, &filter.weight),
    });
    let mut difference = rivals::difference(&output, &results);
    print!("{:<10}{ours:>10.0}{theirs:>12.0}", filter.name);
    if filter.weight.shape()[2..] == [3, 3] {
        let (time, results) = timed(|| rivals::filter3x3(&image, &filter.weight));
        difference = difference.max(rivals::difference_inside(&output, &results));
        print!("{time:>10.0}");
    } else {
        print!("{:>10}", "");
    }
    let agrees = difference <= TOLERANCE;
    println!("   {difference:.1e}{}", if agrees { "" } else { ": TOO LARGE" });
    Ok(agrees)
}

/// The whole picture through the filter, as a file.
fn write(filter: &Filter, picture: &Picture, folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut scratch = Scratch::new();
    let filtered = picture.map(|channel| {
        let mut output = Tensor::zeros(filter.output_shape(channel.shape())?);
        filter.run(channel.view(), output.view_mut(), &mut scratch)?;
        show(output)
    })?;
    filtered.write(&folder.join(format!("{}.png", filter.name)))
}

/// The shortest time of many.
fn micros<T>(work: impl FnMut() -> T) -> f64 {
    timed(work).0
}

/// The shortest time of many, in microseconds, and the last result.
fn timed<T>(mut work: impl FnMut() -> T) -> (f64, T) {
    let start = Instant::now();
    let mut shortest = Duration::MAX;
    loop {
        let begin = Instant::now();
        let result = black_box(work());
        shortest = shortest.min(begin.elapsed());
        if start.elapsed() > TIMED {
            return (shortest.as_secs_f64() * 1e6, result);
        }
    }
}
