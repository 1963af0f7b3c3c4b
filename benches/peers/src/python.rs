//! The peers that are Python packages: a process each, asked in lines of JSON, layer after layer.
//!
//! `python/server.py` is the other end. Numbers go through files; samples are timed over there, by the same rule as
//! here.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use layers::{Data, Row, Work};
use serde_json::{Value, json};

use crate::Failure;

/// The packages that there are servers for.
pub(crate) const PACKAGES: [&str; 4] = ["torch", "onnxruntime", "openvino", "ncnn"];

/// One thread, whatever library starts them.
const THREADS: [(&str, &str); 3] =
    [("OMP_NUM_THREADS", "1"), ("MKL_NUM_THREADS", "1"), ("OPENBLAS_NUM_THREADS", "1")];

/// No wider vectors than AVX2, for those that can be told so.
const AVX2: [(&str, &str); 4] = [
    ("ONEDNN_MAX_CPU_ISA", "AVX2"),
    ("DNNL_MAX_CPU_ISA", "AVX2"),
    ("ATEN_CPU_CAPABILITY", "avx2"),
    ("MKL_ENABLE_INSTRUCTIONS", "AVX2"),
];

/// A running server. It inherits the core that this process is pinned to.
pub(crate) struct Server {
    pub(crate) package: &'static str,
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    folder: PathBuf,
}

/// A way in which a package does the work: seconds to get ready, and what it computes.
type Variant = (f64, Vec<Vec<f32>>);

impl Server {
    /// Starts a server, held to AVX2 if that is wanted; and the package's version, as it says itself.
    pub(crate) fn start(package: &'static str, python: &Path, avx2: bool) -> Result<(Self, String), Failure> {
        let folder = std::env::temp_dir().join(format!("peers-{}-{package}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/server.py");
        let mut process = Command::new(python)
            .arg(script)
            .arg(package)
            .envs(THREADS)
            .envs(AVX2.into_iter().filter(|_| avx2))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = process.stdin.take().ok_or("no standard input")?;
        let answers = BufReader::new(process.stdout.take().ok_or("no standard output")?);
        let mut server = Self { package, process, questions, answers, folder };
        let answer = server.ask(&json!({ "do": "version" }))?;
        let version = answer["version"].as_str().ok_or("no version")?.to_owned();
        Ok((server, version))
    }

    /// Whether it computes gradients.
    pub(crate) fn trains(&self) -> bool {
        self.package == "torch"
    }

    /// Asks the server something.
    fn ask(&mut self, question: &Value) -> Result<Value, Failure> {
        writeln!(self.questions, "{question}")?;
        self.questions.flush()?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(format!("{} has ended", self.package).into());
        }
        let answer: Value = serde_json::from_str(&line)?;
        match answer["error"].as_str() {
            Some(error) => Err(error.into()),
            None => Ok(answer),
        }
    }

    /// Seconds a call.
    pub(crate) fn sample(&mut self, variant: &str) -> Result<f64, Failure> {
        let answer = self.ask(&json!({ "do": "sample", "variant": variant }))?;
        answer["seconds"].as_f64().ok_or_else(|| "no sample".into())
    }

    /// Makes the server ready for a layer, in all its variants.
    pub(crate) fn prepare(
        &mut self,
        row: &Row,
        data: &Data,
        work: Work,
    ) -> Result<BTreeMap<String, Variant>, Failure> {
        self.write("input", data.input.as_slice())?;
        self.write("weight", data.weight.as_slice())?;
        self.write("bias", data.bias.as_slice())?;
        self.write("grad", data.grad.as_slice())?;
        let question = json!({
            "do": "prepare",
            "work": work.name(),
            "folder": self.folder,
            "input": row.input,
            "weight": row.config.weight_shape(),
            "output": row.output,
            "stride": row.config.stride,
            "padding": row.config.padding,
            "dilation": row.config.dilation,
            "groups": row.config.groups,
        });
        let answer = self.ask(&question)?;
        let variants = answer["variants"].as_object().ok_or("no variants")?;
        variants
            .iter()
            .map(|(variant, prepared)| {
                let results = (0..data.expected(work).len()).map(|at| self.read(&format!("{variant}.{at}")));
                let results = results.collect::<Result<_, _>>()?;
                Ok((variant.clone(), (prepared.as_f64().ok_or("no time")?, results)))
            })
            .collect()
    }

    fn write(&self, name: &str, numbers: &[f32]) -> Result<(), Failure> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        Ok(fs::write(self.folder.join(name), bytes)?)
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, Failure> {
        let bytes = fs::read(self.folder.join(name))?;
        Ok(bytes.as_chunks().0.iter().map(|&number| f32::from_le_bytes(number)).collect())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is ours alone, and has nothing to lose.
        self.process.kill().ok();
        self.process.wait().ok();
        fs::remove_dir_all(&self.folder).ok();
    }
}
