//! A trained network on real images: three layers, generated, verified, timed, and compared with torch.
//!
//! ```text
//! cargo run --release --example digits
//! ```
//!
//! The network was trained with torch on handwritten digits of 8x8 pixels. Its checkpoint, 360 images that
//! it never saw, and torch's own answers to them are in `tests/data`, with their source and licence.

use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use conv_runtime::prelude::*;
use conv_runtime::safetensors::SafeTensors;
use conv_runtime::{Layer, Verification, generic};

conv2d! {
    struct Conv1<in: 1, out: 16, k: 3, padding: 1, input: (8, 8)>;
    struct Conv2<in: 16, out: 32, k: 3, stride: 2, padding: 1, input: (8, 8)>;
    struct Conv3<in: 32, out: 10, k: 4, input: (4, 4)>;
}

/// How far a logit may be from torch's, which adds up in another order. Logits reach 38, where a unit in
/// the last place is 4e-6.
const LOGIT_TOLERANCE: f32 = 1e-4;

/// How long each thing is run for its time, again and again.
const TIMED: Duration = Duration::from_millis(100);

/// How many images a layer is timed on: few, so that one pass can go by without another program's turn.
const TIMED_IMAGES: usize = 20;

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

/// Whether everything is as it should be.
fn run() -> Result<bool, Box<dyn Error>> {
    let network = Network::load(include_bytes!("../tests/data/digits_model.safetensors"))?;
    let digits = Digits::read(include_bytes!("../tests/data/digits_test.safetensors"))?;
    println!(
        "{} handwritten digits that the network never saw; three layers, generated, on {}\n",
        digits.labels.len(),
        network.conv1.isa()
    );
    let verified = network.report_layers(&digits.images)?;
    let agrees = network.report_answers(&digits);
    Ok(verified && agrees)
}

// ------------------------------------------------------------------------------------------ the network

struct Network {
    conv1: Conv1,
    conv2: Conv2,
    conv3: Conv3,
}

/// What the network writes to while it runs. One layer's output type is the next one's input type; if it
/// were not, [`Network::logits`] would not compile.
#[derive(Default)]
struct Memory {
    first: <Conv1 as FixedConv2d>::Output,
    second: <Conv2 as FixedConv2d>::Output,
    third: <Conv3 as FixedConv2d>::Output,
    scratch: Scratch,
}

impl Network {
    fn load(file: &[u8]) -> Result<Self, Box<dyn Error>> {
        let checkpoint = SafeTensors::deserialize(file)?;
        Ok(Self {
            conv1: Conv1::load(&checkpoint, "conv1")?,
            conv2: Conv2::load(&checkpoint, "conv2")?,
            conv3: Conv3::load(&checkpoint, "conv3")?,
        })
    }

    /// The whole network on one image. It cannot fail, and once warm it allocates nothing.
    fn logits<'m>(&self, image: &<Conv1 as FixedConv2d>::Input, memory: &'m mut Memory) -> &'m [f32] {
        let Memory { first, second, third, scratch } = memory;
        self.conv1.forward_array_with(image, first, scratch);
        relu(first.as_flattened_mut().as_flattened_mut());
        self.conv2.forward_array_with(first, second, scratch);
        relu(second.as_flattened_mut().as_flattened_mut());
        self.conv3.forward_array_with(second, third, scratch);
        third.as_flattened().as_flattened()
    }
}

/// `torch.relu`, in place.
fn relu(values: &mut [f32]) {
    for value in values {
        *value = value.max(0.0);
    }
}

// --------------------------------------------------------------------------------------------- the data

struct Digits {
    images: Tensor<f32, 4>,
    labels: Vec<usize>,
    /// What torch makes of each image: ten logits.
    logits: Vec<f32>,
}

impl Digits {
    fn read(file: &[u8]) -> Result<Self, Box<dyn Error>> {
        let file = SafeTensors::deserialize(file)?;
        let floats = |name| -> Result<Vec<f32>, Box<dyn Error>> {
            let (numbers, _) = file.tensor(name)?.data().as_chunks();
            Ok(numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
        };
        let labels = file.tensor("labels")?;
        let (labels, _) = labels.data().as_chunks();
        let labels: Result<Vec<_>, _> =
            labels.iter().map(|&bytes| u64::from_le_bytes(bytes).try_into()).collect();
        let labels = labels?;
        let images = Tensor::from_vec([labels.len(), 1, 8, 8], floats("images")?)?;
        Ok(Self { images, labels, logits: floats("logits")? })
    }

    /// The images as the arrays that a layer of known size takes; nothing is copied.
    fn arrays(&self) -> &[<Conv1 as FixedConv2d>::Input] {
        let (rows, _) = self.images.as_slice().as_chunks();
        let (planes, _) = rows.as_chunks();
        planes.as_chunks().0
    }
}

// ------------------------------------------------------------------------------------------- the report

impl Network {
    /// Each layer by itself, on what the layers before it make of the images.
    fn report_layers(&self, images: &Tensor<f32, 4>) -> Result<bool, Box<dyn Error>> {
        let (mut first, passed1) = report("conv1", &self.conv1, images)?;
        relu(first.as_mut_slice());
        let (mut second, passed2) = report("conv2", &self.conv2, &first)?;
        relu(second.as_mut_slice());
        let (_, passed3) = report("conv3", &self.conv3, &second)?;
        Ok(passed1 && passed2 && passed3)
    }

    /// The whole network, image by image.
    fn report_answers(&self, digits: &Digits) -> bool {
        let mut memory = Memory::default();
        let answers = digits.arrays().iter().flat_map(|image| self.logits(image, &mut memory).to_vec());
        let answers: Vec<f32> = answers.collect();
        let (right, torch) = (right(&answers, &digits.labels), right(&digits.logits, &digits.labels));
        let pairs = answers.iter().zip(&digits.logits);
        let difference = pairs.map(|(ours, theirs)| (ours - theirs).abs()).fold(0.0, f32::max);
        let time = micros_an_image(digits.labels.len(), || {
            digits.arrays().iter().for_each(|image| {
                black_box(self.logits(black_box(image), &mut memory));
            });
        });
        println!("accuracy  {right} of {} images, PyTorch {torch}", digits.labels.len());
        println!(
            "logits    {difference:.1e} is the largest difference from PyTorch's ({LOGIT_TOLERANCE:.0e} allowed)"
        );
        println!("time      {time:.2} µs an image, from pixels to logits");
        right == torch && difference <= LOGIT_TOLERANCE
    }
}

/// Prints one layer's plan, error and time; returns its output, and whether it is right.
fn report<L: Conv2d<Elem = f32>>(
    name: &str,
    layer: &L,
    input: &Tensor<f32, 4>,
) -> Result<(Tensor<f32, 4>, bool), Box<dyn Error>> {
    let verification = layer.verify(input)?;
    let (specialised, generic) = times(layer, input)?;
    println!("{name}     {}", L::CONFIG);
    for (at, part) in plan(layer).split("; ").enumerate() {
        println!("  {:<7} {part}", if at == 0 { "plan" } else { "" });
    }
    println!("  error   {}", error(&verification));
    println!(
        "  time    {specialised:.2} µs an image; generic loops {generic:.2} µs, {:.0} times as long\n",
        generic / specialised
    );
    Ok((layer.forward(input)?, verification.passed()))
}

/// The line of the plan for the vectors that run here.
fn plan<L: Conv2d>(layer: &L) -> &'static str {
    let width = format!("{}-bit", layer.isa().bits());
    L::PLAN.lines().map(str::trim).find(|line| line.starts_with(&width)).unwrap_or(L::PLAN)
}

fn error(verification: &Verification) -> String {
    format!(
        "{:.1e} at most ({:.1e} allowed) in {} numbers, against generic loops in f64: {}",
        verification.max_abs_error(),
        verification.tolerance(),
        verification.elements(),
        if verification.passed() { "passed" } else { "FAILED" }
    )
}

/// Microseconds an image: the generated kernels, and the generic loops.
fn times<L: Conv2d<Elem = f32>>(layer: &L, batch: &Tensor<f32, 4>) -> Result<(f64, f64), Box<dyn Error>> {
    let [_, c, h, w] = batch.shape();
    let images = batch.as_slice().chunks_exact(c * h * w).take(TIMED_IMAGES);
    let images: Vec<_> =
        images.map(|image| Tensor::from_vec([c, h, w], image.to_vec())).collect::<Result<_, _>>()?;
    let (weight, bias) = (layer.weight(), layer.bias());
    let mut output = Tensor::zeros(L::output_shape([c, h, w])?);
    let mut scratch = Scratch::new();
    let specialised = micros_an_image(images.len(), || {
        for image in &images {
            let done = layer.forward_with(black_box(image).view(), output.view_mut(), &mut scratch);
            black_box((done.is_ok(), output.as_slice()));
        }
    });
    let generic = micros_an_image(images.len(), || {
        for image in &images {
            drop(black_box(generic::conv2d(black_box(image), &weight, bias.as_ref(), &L::CONFIG)));
        }
    });
    Ok((specialised, generic))
}

/// The shortest time of a pass over these images, for one image.
#[expect(clippy::cast_precision_loss, reason = "there are a few hundred images")]
fn micros_an_image(images: usize, mut pass: impl FnMut()) -> f64 {
    let mut shortest = Duration::MAX;
    let start = Instant::now();
    while start.elapsed() < TIMED {
        let pass_start = Instant::now();
        pass();
        shortest = shortest.min(pass_start.elapsed());
    }
    shortest.as_secs_f64() * 1e6 / images as f64
}

/// How many images have their largest logit at their label.
fn right(logits: &[f32], labels: &[usize]) -> usize {
    let (answers, _) = logits.as_chunks::<10>();
    let largest = |answer: &[f32; 10]| (0..10).max_by(|&a, &b| answer[a].total_cmp(&answer[b]));
    answers.iter().zip(labels).filter(|(answer, label)| largest(answer) == Some(**label)).count()
}
