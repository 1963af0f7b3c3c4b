//! The numbers as a page of Markdown.

use std::iter;

use super::{Best, CRATES, Head, Measured, OTHERS, OURS, Report, geometric};

/// The tables: title, which layers, timed for what.
const SECTIONS: [(&str, &str, &str); 4] = [
    ("The suite", "suite", "forward"),
    ("Layers near them, drawn at random", "neighbours", "forward"),
    ("Gradients over the suite", "suite", "backward"),
    ("Forward and backward over the suite", "suite", "step"),
];

/// The report as a page.
pub(super) fn page(report: &Report, name: &str) -> String {
    let sections = SECTIONS.map(|(title, table, work)| section(title, &report.select(table, work)));
    let parts = [
        head(&report.head, name),
        format!("\n## Geometric means\n\n{}", means(report)),
        sections.concat(),
        format!("\n## Losses\n\n{}", list(&losses(report))),
        format!("\n## Not timed\n\n{}", list(&refusals(report))),
        format!("\n## Differences\n\n{}", errors(report)),
    ];
    parts.concat()
}

/// The layers of a section: beside the best, and everybody's times.
fn section(title: &str, layers: &[&Measured]) -> String {
    if layers.is_empty() {
        return String::new();
    }
    format!("\n## {title}\n\n{}\nMedians in microseconds:\n\n{}", ratios(layers), times(layers))
}

/// What is said of a run with narrower vectors than the machine has.
const WIDER: &str = "
**tract, rten, ONNX Runtime and ncnn, starred, cannot be held to these vectors and use AVX-512 all the same**: their
times are shown, but they are not among the best peers and crates here.
";

fn head(head: &Head, name: &str) -> String {
    let peaks = [("AVX-512", head.machine.avx512), ("AVX2", head.machine.avx2)];
    let peaks =
        peaks.iter().filter_map(|(name, rate)| Some(format!("{:.0} GFLOP/s ({name})", (*rate)? / 1e9)));
    let copies = head.machine.copies.iter().step_by(3);
    let copies = copies.map(|(bytes, speed)| format!("{:.0} GB/s at {} KiB", speed / 1e9, bytes / 1024.0));
    let versions = head.versions.iter().map(|(name, version)| format!("{name} {version}"));
    let missing = head.missing.iter().map(|(name, reason)| format!("\nMissing: {name}, {reason}\n"));
    format!(
        "# conv-runtime beside its peers: {name}

One thread of {}, {} kernels, in one run of {:.0} s. Peak of one core: {}; a copy moves {}.

Peers: {}.
{}
`known` is this library with the image size given to the macro, `free` without it; `ratio` is a peer's time divided
by that of `known`, in bold where the peer is faster. `limit` is the longer of arithmetic, as the definition counts
it, at the core's peak, and the bytes at the speed of a copy; `share` is limit divided by `known`. Winograd's
algorithm needs fewer operations, and may go beyond 100 %.
{}
![times]({name}.svg)

![share of the limit]({name}-limit.svg)

![forward and backward]({name}-step.svg)
",
        head.processor,
        head.isa,
        head.seconds,
        join(peaks, ", "),
        join(copies, ", "),
        join(versions, ", "),
        join(missing, ""),
        if head.isa == "avx512" || head.machine.avx512.is_none() { "" } else { WIDER },
    )
}

/// The means of all sections, a column each.
pub(super) fn means(report: &Report) -> String {
    type Ratio<'a> = Box<dyn Fn(&Measured) -> Option<f64> + 'a>;
    let best = |pick: fn(&Measured) -> Option<Best<'_>>, ours: &'static str| -> Ratio<'_> {
        Box::new(move |layer| Some(pick(layer)?.1 / layer.time(ours)?))
    };
    let mut lines: Vec<(String, Ratio<'_>)> = vec![
        ("best peer of each layer / known".to_owned(), best(Measured::best_peer, "known")),
        ("best peer of each layer / free".to_owned(), best(Measured::best_peer, "free")),
        ("best Rust crate of each layer / known".to_owned(), best(Measured::best_crate, "known")),
        ("limit / known".to_owned(), Box::new(|layer| Some(layer.limit / layer.known()))),
        ("limit / best peer".to_owned(), Box::new(|layer| Some(layer.limit / layer.best_peer()?.1))),
        ("free / known".to_owned(), Box::new(|layer| Some(layer.time("free")? / layer.known()))),
    ];
    for peer in CRATES.into_iter().chain(OTHERS) {
        let ratio = move |layer: &Measured| Some(layer.time(peer)? / layer.known());
        lines.push((format!("{peer} / known"), Box::new(ratio)));
    }
    let rows = lines.iter().map(|(title, ratio)| {
        let mean = |(_, table, work): (&str, &str, &str)| {
            let mean = geometric(report.select(table, work).into_iter().filter_map(ratio));
            mean.map_or("-".to_owned(), |(mean, of)| format!("{mean:.2} ({of})"))
        };
        [vec![title.clone()], SECTIONS.map(mean).into()].concat()
    });
    let header = ["", "suite", "neighbours", "gradients", "forward and backward"];
    table(&header, rows) + "\nIn brackets: of how many layers.\n"
}

/// Each layer beside the best of its peers.
pub(super) fn ratios(layers: &[&Measured]) -> String {
    let header = [
        "layer",
        "algorithm",
        "known, us",
        "free, us",
        "best peer, us",
        "ratio",
        "best crate, us",
        "ratio",
        "limit, us",
        "share",
    ];
    let rows = layers.iter().map(|layer| {
        let known = layer.known();
        let mut row = vec![layer.name.clone(), layer.algorithm.clone()];
        row.extend([micro(Some(known)), micro(layer.time("free"))]);
        row.extend([layer.best_peer(), layer.best_crate()].into_iter().flat_map(|best| rival(best, known)));
        row.extend([micro(Some(layer.limit)), format!("{:.0} %", 100.0 * layer.limit / known)]);
        row
    });
    table(&header, rows)
}

/// A peer's time, and how many times ours it is.
fn rival(best: Option<Best<'_>>, known: f64) -> [String; 2] {
    let Some((name, time)) = best else { return ["-".to_owned(), "-".to_owned()] };
    let mark = if time < known { "**" } else { "" };
    [format!("{} ({name})", micro(Some(time))), format!("{mark}{:.2}{mark}", time / known)]
}

/// Everybody's medians; who never took part has no column.
fn times(layers: &[&Measured]) -> String {
    let took_part = |name: &&str| layers.iter().any(|layer| layer.times.contains_key(*name));
    let names: Vec<&str> = OURS.into_iter().chain(CRATES).chain(OTHERS).filter(took_part).collect();
    let row = |layer: &&Measured| {
        [vec![layer.name.clone()], names.iter().map(|name| micro(layer.time(name))).collect()].concat()
    };
    let star = |name: &&str| if layers[0].comparable(name) { (*name).to_owned() } else { format!("{name}*") };
    let header: Vec<String> = names.iter().map(star).collect();
    table(
        &iter::once("layer").chain(header.iter().map(String::as_str)).collect::<Vec<_>>(),
        layers.iter().map(row),
    )
}

/// Where somebody else is faster.
pub(super) fn losses(report: &Report) -> Vec<String> {
    let loss = |layer: &Measured| {
        let ((peer, time), known) = (layer.best_peer()?, layer.known());
        let (name, work) = (&layer.name, &layer.work);
        (time < known)
            .then(|| format!("{name}, {work}: {peer} takes {:.0} % of our time", 100.0 * time / known))
    };
    report.layers.iter().filter_map(loss).collect()
}

fn refusals(report: &Report) -> Vec<String> {
    let of = |layer: &Measured| {
        let refused = layer.refused.iter();
        refused
            .map(|(peer, reason)| format!("{}, {} by {peer}: {reason}", layer.name, layer.work))
            .collect::<Vec<_>>()
    };
    report.layers.iter().flat_map(of).collect()
}

fn errors(report: &Report) -> String {
    let worst = |name: &str, work: &str| {
        let layers = report.layers.iter().filter(|layer| layer.work == work);
        let worst = layers.filter_map(|layer| Some(layer.times.get(name)?.error)).reduce(f64::max);
        worst.map_or("-".to_owned(), |worst| format!("{worst:.1e}"))
    };
    let names = OURS.into_iter().chain(CRATES).chain(OTHERS);
    let rows = names.map(|name| vec![name.to_owned(), worst(name, "forward"), worst(name, "backward")]);
    "The largest from the definition in `f64`, as a part of a result's largest number:\n\n".to_owned()
        + &table(&["", "output", "gradients"], rows)
}

/// A table: the first column is words, the others are numbers.
pub(super) fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let head = format!("| {} |\n|---|{}\n", header.join(" | "), "---:|".repeat(header.len() - 1));
    head + &join(rows.map(|row| format!("| {} |\n", row.join(" | "))), "")
}

fn list(items: &[String]) -> String {
    match items {
        [] => "None.\n".to_owned(),
        items => join(items.iter().map(|item| format!("- {item}\n")), ""),
    }
}

fn join(items: impl Iterator<Item = String>, separator: &str) -> String {
    items.collect::<Vec<_>>().join(separator)
}

/// Microseconds with three digits or so.
pub(super) fn micro(seconds: Option<f64>) -> String {
    match seconds.map(|seconds| seconds * 1e6) {
        None => "-".to_owned(),
        Some(time) if time < 10.0 => format!("{time:.2}"),
        Some(time) if time < 100.0 => format!("{time:.1}"),
        Some(time) => format!("{time:.0}"),
    }
}
