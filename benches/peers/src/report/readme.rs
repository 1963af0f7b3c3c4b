//! The part of the repository's README that is written from the numbers, between two comments.

use std::fs;
use std::path::Path;

use super::table::{losses, ratios};
use super::{Measured, Report, geometric};
use crate::Failure;

const BEGIN: &str = "<!-- From here on written by benches/peers: `peers readme`. -->\n";
const END: &str = "<!-- Up to here. -->\n";

impl Report {
    /// Replaces the part.
    pub(crate) fn readme(&self, path: &Path, name: &str) -> Result<(), Failure> {
        let text = fs::read_to_string(path)?;
        let (before, rest) = text.split_once(BEGIN).ok_or("the README has no place for it")?;
        let (_, after) = rest.split_once(END).ok_or("the place in the README has no end")?;
        fs::write(path, [before, BEGIN, "\n", &self.summary(name), "\n", END, after].concat())?;
        Ok(())
    }

    fn summary(&self, name: &str) -> String {
        let suite = self.select("suite", "forward");
        let neighbours = self.select("neighbours", "forward");
        let steps = self.select("suite", "step");
        format!(
            "On one core of {} ({} kernels), geometric means: the best peer of each layer takes {} times our time over \
             the suite and {} times over the neighbouring layers, the best Rust crate of each {} and {} times; forward and \
             backward together, the best peer takes {} times. We are behind in {} of {} measurements.\n\n\
             ![The best peer's and the best Rust crate's time, layer by layer](benches/peers/results/{name}.svg)\n\n\
             <details><summary>The suite in numbers</summary>\n\n{}\n</details>\n\n\
             Everything else is in [benches/peers/results/{name}.md](benches/peers/results/{name}.md): all times, the \
             neighbouring layers, gradients, losses, differences; how it is measured, in \
             [benches/peers](benches/peers/README.md).\n",
            self.head.processor,
            self.head.isa,
            mean(&suite, Measured::best_peer),
            mean(&neighbours, Measured::best_peer),
            mean(&suite, Measured::best_crate),
            mean(&neighbours, Measured::best_crate),
            mean(&steps, Measured::best_peer),
            losses(self).len(),
            self.layers.len(),
            ratios(&suite),
        )
    }
}

/// How many times our time the best takes.
fn mean(layers: &[&Measured], best: fn(&Measured) -> Option<super::Best<'_>>) -> String {
    let ratios = layers.iter().filter_map(|layer| Some(best(layer)?.1 / layer.known()));
    geometric(ratios).map_or("?".to_owned(), |(mean, _)| format!("{mean:.2}"))
}
