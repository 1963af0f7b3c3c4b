//! What generation costs: for each layer of the suite the compiler's time, the macro's part of it, and the size of
//! the code.
//!
//! ```text
//! cargo bench --bench cost                # everything, a page on standard output: benches/cost.md
//! cargo bench --bench cost -- rn_3x3      # the layers whose names begin so
//! ```
//!
//! A layer is a crate of its own: `conv2d!` and a function that runs it. rustc makes a library of it, with the
//! settings of cargo's release profile and the kernels of all of this architecture's instruction sets. There are
//! four kinds: for a known image size, for any, for a known one with gradients, and with constant weights.
//! `RUSTC_BOOTSTRAP=1` lets the stable compiler tell how long it expanded macros; nothing else is done with that.

#![expect(clippy::cast_precision_loss, reason = "bytes become the floats of a report")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use std::{env, fs, iter};

use conv_runtime::prelude::*;
use layers::for_each_suite_layer;
use object::read::archive::ArchiveFile;
use object::{Object, ObjectSection};
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What a typical layer may cost, and the suite.
const SECONDS: f64 = 1.0;
const TEXT: u64 = 64 * 1024;
const SUITE_SECONDS: f64 = 40.0;

/// Layers with more weights than this are not tried as constants: the file is a megabyte.
const MOST_CONSTANTS: usize = 1 << 18;

/// A layer of the suite: its keys are tokens here, and text in the crate that is compiled.
struct Row {
    name: &'static str,
    keys: &'static str,
    size: &'static str,
    weight: [usize; 4],
}

macro_rules! rows {
    ($($name:ident, $batch:literal, ($h:literal, $w:literal), { $($keys:tt)* };)*) => {
        vec![$({
            Row {
                name: stringify!($name),
                keys: stringify!($($keys)*),
                size: stringify!(($h, $w)),
                weight: layers::$name::Free::CONFIG.weight_shape(),
            }
        }),*]
    };
}

/// What a crate costs.
#[derive(Clone, Copy, Default)]
struct Cost {
    /// Seconds of the compiler, the whole command.
    seconds: f64,
    /// Seconds in which it expanded macros.
    expansion: f64,
    /// Bytes of machine code, all instruction sets together.
    text: u64,
    /// Bytes of constants.
    rodata: u64,
}

fn main() -> Outcome<()> {
    if !env::args().any(|argument| argument == "--bench") {
        return Ok(()); // `cargo test` only wants to know that it compiles
    }
    let only = env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let folder = env::temp_dir().join(format!("conv-cost-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let compiler = Compiler::new(&folder)?;
    let rows: Vec<Row> = for_each_suite_layer!(rows);
    let empty = compiler.compile("pub use conv_runtime::prelude::*;")?;
    let mut costs = Vec::new();
    for row in rows.into_iter().filter(|row| row.name.starts_with(&only)) {
        costs.push((row.name, compiler.kinds(&row)?));
        eprintln!("{}", row.name);
    }
    print!("{}", page(empty, &costs));
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// rustc, with what it needs to find conv-runtime.
struct Compiler<'a> {
    folder: &'a Path,
    runtime: PathBuf,
}

impl<'a> Compiler<'a> {
    /// Builds conv-runtime as a release.
    fn new(folder: &'a Path) -> Outcome<Self> {
        let output = Command::new(env!("CARGO"))
            .args(["build", "--release", "--package=conv-runtime", "--message-format=json"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()?;
        let messages = String::from_utf8(output.stdout)?;
        let runtime = messages
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|message| message["target"]["name"] == "conv_runtime")
            .find_map(|message| Some(message["filenames"].as_array()?.first()?.as_str()?.into()))
            .ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok(Self { folder, runtime })
    }

    /// The layer in its four kinds.
    fn kinds(&self, row: &Row) -> Outcome<[Option<Cost>; 4]> {
        let Row { keys, size, .. } = row;
        let known = format!("{keys}, input: {size}");
        let constant = self.constant(row)?;
        Ok([
            Some(self.compile(&forward(&known))?),
            Some(self.compile(&forward(keys))?),
            Some(self.compile(&(forward(&known) + BACKWARD))?),
            constant.map(|keys| self.compile(&forward(&format!("{known}, {keys}")))).transpose()?,
        ])
    }

    /// The keys that make the layer a constant, unless it is too large.
    fn constant(&self, row: &Row) -> Outcome<Option<String>> {
        let numbers = row.weight.iter().product::<usize>();
        if numbers > MOST_CONSTANTS {
            return Ok(None);
        }
        let path = self.folder.join("weights.npy");
        fs::write(&path, npy(row.weight, &Tensor::<f32, 1>::randn([numbers], 1)))?;
        Ok(Some(format!("bias: false, weights: \"{}\"", path.display())))
    }

    fn compile(&self, code: &str) -> Outcome<Cost> {
        let (source, library) = (self.folder.join("layer.rs"), self.folder.join("liblayer.rlib"));
        fs::write(&source, code)?;
        let dependencies = self.runtime.with_file_name("deps");
        let started = Instant::now();
        let output = Command::new("rustc")
            .args(["--edition=2024", "--crate-type=lib", "--crate-name=layer", "-Copt-level=3"])
            .args(["-Cstrip=debuginfo", "-Ztime-passes", "-Ztime-passes-format=json"])
            .arg(format!("--extern=conv_runtime={}", self.runtime.display()))
            .arg(format!("-Ldependency={}", dependencies.display()))
            .args([Path::new("-o"), &library, &source])
            .env("RUSTC_BOOTSTRAP", "1")
            .output()?;
        let seconds = started.elapsed().as_secs_f64();
        let messages = String::from_utf8(output.stderr)?;
        if !output.status.success() {
            return Err(messages.into());
        }
        let library = fs::read(&library)?;
        let [text, rodata] = [".text", ".rodata"].map(|section| bytes(&library, section));
        Ok(Cost { seconds, expansion: expansion(&messages), text: text?, rodata: rodata? })
    }
}

/// A crate whose user runs the layer.
fn forward(keys: &str) -> String {
    format!(
        "pub use conv_runtime::{{GradientsMut, prelude::*}};
         conv2d! {{ pub struct Layer<{keys}>; }}
         pub fn forward(
             layer: &Layer,
             x: TensorView<'_, f32, 4>,
             y: TensorViewMut<'_, f32, 4>,
             scratch: &mut Scratch,
         ) -> Result<(), Error> {{
             layer.forward_with(x, y, scratch)
         }}"
    )
}

/// What a user adds who trains it.
const BACKWARD: &str = "
    pub fn backward(
        layer: &Layer,
        x: TensorView<'_, f32, 4>,
        grad: TensorView<'_, f32, 4>,
        gradients: GradientsMut<'_, f32, 4>,
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        layer.backward_with(x, grad, gradients, scratch)
    }";

/// A file of numbers as numpy writes it.
fn npy(shape: [usize; 4], numbers: &Tensor<f32, 1>) -> Vec<u8> {
    let [o, c, h, w] = shape;
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({o}, {c}, {h}, {w}), }}");
    // Magic, version and length are 10 bytes, and the line feed is one.
    let header = format!("{header:<width$}\n", width = header.len().next_multiple_of(64) + 53);
    let length = u16::try_from(header.len()).expect("a header of a hundred bytes").to_le_bytes();
    let numbers = numbers.iter().flat_map(|number| number.to_le_bytes());
    b"\x93NUMPY\x01\x00".iter().copied().chain(length).chain(header.into_bytes()).chain(numbers).collect()
}

/// How long the compiler says that it expanded macros.
fn expansion(messages: &str) -> f64 {
    let time = |line: &str| {
        let pass: Value = serde_json::from_str(line.strip_prefix("time: ")?).ok()?;
        (pass["pass"] == "macro_expand_crate").then(|| pass["time"].as_f64())?
    };
    messages.lines().find_map(time).unwrap_or(f64::NAN)
}

/// The bytes of all sections of a library whose names begin so.
fn bytes(library: &[u8], name: &str) -> Outcome<u64> {
    let mut bytes = 0;
    for member in ArchiveFile::parse(library)?.members() {
        // A library holds more than objects.
        let Ok(object) = object::File::parse(member?.data(library)?) else { continue };
        let sections =
            object.sections().filter(|section| section.name().is_ok_and(|full| full.starts_with(name)));
        bytes += sections.map(|section| section.size()).sum::<u64>();
    }
    Ok(bytes)
}

fn page(empty: Cost, costs: &[(&str, [Option<Cost>; 4])]) -> String {
    let header = format!(
        "# What generation costs

For each layer of the suite, as a library crate of its own: seconds of rustc (release, the whole command),
milliseconds in which it expanded macros, and KiB of machine code, the kernels of all instruction sets together.
`known` is made for an image size, `free` for any; `trained` is `known` whose user calls `backward_with` as well;
`constant` is `known` with weights that the macro reads from a file, and has KiB of constants, too. A crate without
any layer takes {:.2} s, {:.0} ms of them for macros; that is not subtracted.

| layer | known, s | macro, ms | KiB | free, s | macro, ms | KiB | trained, s | macro, ms | KiB | constant, s | macro, ms | KiB | constants, KiB |
|---|{}
",
        empty.seconds,
        1e3 * empty.expansion,
        "---:|".repeat(13),
    );
    let kind = |kind: usize| costs.iter().filter_map(move |(_, costs)| costs[kind]);
    let sums = [0, 1, 2, 3].map(|at| Some(kind(at).fold(Cost::default(), Cost::add)));
    let lines = costs.iter().map(|(name, costs)| line(name, costs));
    let marks = [mark("known", kind(0)), mark("free", kind(1))];
    iter::once(header).chain(lines).chain([line("sum", &sums)]).chain(marks).collect()
}

/// How many layers cost too much.
fn mark(kind: &str, costs: impl Iterator<Item = Cost> + Clone) -> String {
    let slow = costs.clone().filter(|cost| cost.seconds > SECONDS).count();
    let large = costs.clone().filter(|cost| cost.text > TEXT).count();
    let seconds: f64 = costs.clone().map(|cost| cost.seconds).sum();
    format!(
        "\n{kind}: of {} layers {slow} take more than {SECONDS} s, and {large} have more than {} KiB; together they take \
         {seconds:.1} s, where the mark for all is {SUITE_SECONDS}.\n",
        costs.count(),
        TEXT / 1024,
    )
}

/// A layer's line of the table.
fn line(name: &str, costs: &[Option<Cost>; 4]) -> String {
    let cells = |cost: &Option<Cost>| match cost {
        Some(cost) => format!("{:.2} | {:.0} | {}", cost.seconds, 1e3 * cost.expansion, kib(cost.text)),
        None => "- | - | -".to_owned(),
    };
    let constants = costs[3].map_or("-".to_owned(), |cost| kib(cost.rodata));
    format!("| {name} | {} | {constants} |\n", costs.each_ref().map(cells).join(" | "))
}

fn kib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1024.0)
}

impl Cost {
    fn add(self, other: Self) -> Self {
        Self {
            seconds: self.seconds + other.seconds,
            expansion: self.expansion + other.expansion,
            text: self.text + other.text,
            rodata: self.rodata + other.rodata,
        }
    }
}
