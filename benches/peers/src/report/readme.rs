//! The part of the repository's README that is written from the numbers, between two comments.

use std::fs;
use std::path::Path;

use super::table::{losses, ratios, table};
use super::{Best, Measured, Report, geometric};
use crate::Failure;

const BEGIN: &str = "<!-- From here on written by benches/peers: `peers readme`. -->\n";
const END: &str = "<!-- Up to here. -->\n";

/// Replaces the part by what these numbers say, those of the run with AVX2, and those of other machines.
pub(crate) fn write(results: &Path, name: &str, others: &[String], readme: &Path) -> Result<(), Failure> {
    let wide = Report::read(results, name)?;
    let narrow = Report::read(results, &format!("{name}-avx2"))?;
    let read = |other: &String| Ok::<_, Failure>((other.clone(), Report::read(results, other)?));
    let others = others.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let text = fs::read_to_string(readme)?;
    let (before, rest) = text.split_once(BEGIN).ok_or("the README has no place for it")?;
    let (_, after) = rest.split_once(END).ok_or("the place in the README has no end")?;
    let summary = summary(name, &wide, &narrow, &others);
    Ok(fs::write(readme, [before, BEGIN, "\n", &summary, "\n", END, after].concat())?)
}

fn summary(name: &str, wide: &Report, narrow: &Report, others: &[(String, Report)]) -> String {
    let mut reports = vec![("AVX-512", wide), ("AVX2", narrow)];
    reports.extend(others.iter().map(|(name, report)| (name.as_str(), report)));
    let sentence = |(name, report): &(String, Report)| {
        let head = &report.head;
        format!(
            " [{name}](benches/peers/results/{name}.md) is {}, with {}, beside all of them.",
            head.processor, head.isa
        )
    };
    let elsewhere: String = others.iter().map(sentence).collect();
    let versions = wide.head.versions.iter();
    let peers: Vec<String> = versions.map(|(name, version)| format!("{name} {version}")).collect();
    format!(
        "On one core of {}, in one run beside {}: how many times our time the fastest of them takes for each layer, in the \
         geometric mean. With AVX2, beside those of them that can be held to it.{elsewhere}\n\n{}\n\
         ![The best peer's and the best Rust crate's time, layer by layer](benches/peers/results/{name}.svg)\n\n\
         <details><summary>The suite in numbers</summary>\n\n{}\n</details>\n\n\
         All times, the neighbouring layers, gradients, losses and differences are in \
         [results/{name}.md](benches/peers/results/{name}.md) and [results/{name}-avx2.md](benches/peers/results/{name}-avx2.md); \
         how it is measured and what is fair about it, in [benches/peers](benches/peers/README.md).\n",
        wide.head.processor,
        peers.join(", "),
        means(&reports),
        ratios(&wide.select("suite", "forward")),
    )
}

fn means(reports: &[(&str, &Report)]) -> String {
    let header = [
        "",
        "33 layers",
        "20 neighbours",
        "the best Rust crate",
        "gradients",
        "forward and backward",
        "we are behind in",
    ];
    let rows = reports.iter().map(|(title, report)| {
        let suite = report.select("suite", "forward");
        vec![
            (*title).to_owned(),
            mean(&suite, Measured::best_peer),
            mean(&report.select("neighbours", "forward"), Measured::best_peer),
            mean(&suite, Measured::best_crate),
            mean(&report.select("suite", "backward"), Measured::best_peer),
            mean(&report.select("suite", "step"), Measured::best_peer),
            format!("{} of {}", losses(report).len(), report.layers.len()),
        ]
    });
    table(&header, rows)
}

/// How many times our time the best takes.
fn mean(layers: &[&Measured], best: fn(&Measured) -> Option<Best<'_>>) -> String {
    let ratios = layers.iter().filter_map(|layer| Some(best(layer)?.1 / layer.known()));
    geometric(ratios).map_or("-".to_owned(), |(mean, _)| format!("{mean:.2}"))
}
