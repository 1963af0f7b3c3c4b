//! What a run gives: numbers, a page of tables, charts, and a part of the repository's README.

mod chart;
pub(crate) mod readme;
mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::clock::median;
use crate::machine::Machine;

/// Everything that was measured.
pub(crate) struct Report {
    pub(crate) head: Head,
    pub(crate) layers: Vec<Measured>,
}

/// Where and when.
#[derive(Serialize, Deserialize)]
pub(crate) struct Head {
    /// In seconds since 1970.
    pub(crate) started: u64,
    /// How long it took.
    pub(crate) seconds: f64,
    /// The processor, as it calls itself, and its family.
    pub(crate) processor: String,
    /// The instruction set that our kernels ran on.
    pub(crate) isa: String,
    pub(crate) machine: Machine,
    /// Versions of the peers.
    pub(crate) versions: BTreeMap<String, String>,
    /// Peers that are missing, and why.
    pub(crate) missing: BTreeMap<String, String>,
}

/// A layer and what it was timed for.
#[derive(Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) name: String,
    /// `suite` or `neighbours`.
    pub(crate) table: String,
    /// `forward`, `backward` or `step`.
    pub(crate) work: String,
    /// The instruction set that our kernels ran on.
    pub(crate) isa: String,
    /// Whether the machine has wider vectors than these. Older reports, all of such a machine, don't say.
    #[serde(default = "yes")]
    pub(crate) is_wider: bool,
    pub(crate) flops: f64,
    pub(crate) bytes: f64,
    /// The least seconds for direct arithmetic.
    pub(crate) limit: f64,
    /// What our generator chose for the forward pass.
    pub(crate) algorithm: String,
    pub(crate) times: BTreeMap<String, Times>,
    /// Peers that cannot, or computed something else.
    pub(crate) refused: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

/// A contender's times of one layer.
#[derive(Serialize, Deserialize)]
pub(crate) struct Times {
    /// Seconds a call, a sample each.
    pub(crate) samples: Vec<f64>,
    /// The largest difference from the definition in `f64`, as a part of the largest number.
    pub(crate) error: f64,
    /// Seconds to get ready: model, weights.
    pub(crate) prepared: f64,
}

/// Ours, made for the image size and for any.
const OURS: [&str; 2] = ["known", "free"];
/// The Rust crates among the peers.
const CRATES: [&str; 4] = ["tract", "rten", "candle", "burn-flex"];
/// Everybody else.
const OTHERS: [&str; 7] =
    ["torch", "torch_cl", "torch_packed", "torch_cl_packed", "onnxruntime", "openvino", "ncnn"];

/// Who takes the widest vectors that there are, whatever they are told.
const WIDEST: [&str; 4] = ["tract", "rten", "onnxruntime", "ncnn"];

/// A contender and its time.
type Best<'a> = (&'a str, f64);

impl Measured {
    /// The median of one contender.
    pub(crate) fn time(&self, name: &str) -> Option<f64> {
        self.times.get(name).map(|times| median(&times.samples))
    }

    /// Ours, made for the image size.
    fn known(&self) -> f64 {
        self.time("known").unwrap_or(f64::NAN)
    }

    /// Whether a contender had the same vectors as we.
    fn comparable(&self, name: &str) -> bool {
        self.isa == "avx512" || !self.is_wider || !WIDEST.contains(&name)
    }

    /// The fastest of the comparable ones that the filter lets through, ours never.
    fn best(&self, filter: impl Fn(&str) -> bool) -> Option<Best<'_>> {
        let compared = |name: &&str| !OURS.contains(name) && self.comparable(name) && filter(name);
        let peers = self.times.keys().map(String::as_str).filter(compared);
        let times = peers.filter_map(|name| Some((name, self.time(name)?)));
        times.min_by(|one, other| one.1.total_cmp(&other.1))
    }

    fn best_peer(&self) -> Option<Best<'_>> {
        self.best(|_| true)
    }

    fn best_crate(&self) -> Option<Best<'_>> {
        self.best(|name| CRATES.contains(&name))
    }
}

/// How it goes, for whoever waits.
impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} [{}]", self.name, self.work, self.algorithm)?;
        for name in self.times.keys() {
            write!(f, " {name} {}", table::micro(self.time(name)))?;
        }
        self.refused.iter().try_for_each(|(name, reason)| write!(f, " (without {name}: {reason})"))
    }
}

impl Report {
    /// Reads `{name}.jsonl`.
    pub(crate) fn read(folder: &Path, name: &str) -> Result<Self, Failure> {
        let text = fs::read_to_string(folder.join(format!("{name}.jsonl")))?;
        let (head, layers) = text.split_once('\n').ok_or("an empty report")?;
        let layers = layers.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        Ok(Self { head: serde_json::from_str(head)?, layers })
    }

    /// Writes `{name}.jsonl`, a line about the machine and one a layer; `{name}.md`; and the charts.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> Result<(), Failure> {
        fs::create_dir_all(folder)?;
        let file = |end: &str| folder.join(format!("{name}{end}"));
        let mut lines = serde_json::to_string(&self.head)? + "\n";
        for layer in &self.layers {
            lines += &(serde_json::to_string(layer)? + "\n");
        }
        fs::write(file(".jsonl"), lines)?;
        fs::write(file(".md"), table::page(self, name))?;
        fs::write(file(".svg"), chart::times(self, "forward"))?;
        fs::write(file("-limit.svg"), chart::shares(self, "forward"))?;
        fs::write(file("-step.svg"), chart::times(self, "step"))?;
        Ok(())
    }

    /// The layers of a table that were timed for this.
    fn select(&self, table: &str, work: &str) -> Vec<&Measured> {
        self.layers.iter().filter(|layer| layer.table == table && layer.work == work).collect()
    }
}

/// The geometric mean, and of how many.
fn geometric(ratios: impl Iterator<Item = f64>) -> Option<(f64, usize)> {
    let logs: Vec<f64> = ratios.map(f64::ln).collect();
    (!logs.is_empty()).then(|| ((logs.iter().sum::<f64>() / logs.len() as f64).exp(), logs.len()))
}
