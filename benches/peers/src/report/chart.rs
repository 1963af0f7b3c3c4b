//! The numbers as pictures, drawn by hand.

use super::{Measured, Report};

/// A bar, the space between layers, and where bars begin and end.
const BAR: f64 = 9.0;
const GAP: f64 = 12.0;
const LEFT: f64 = 190.0;
const WIDTH: f64 = 620.0;
const TOP: f64 = 56.0;

const STYLE: &str = "<style>text{font:12px sans-serif;fill:#333}.s{font-size:10px;fill:#666}.t{font-size:14px;\
                     font-weight:bold}line{stroke:#ddd}.one{stroke:#333}@media(prefers-color-scheme:dark){text{fill:#ddd}\
                     .s{fill:#aaa}line{stroke:#444}.one{stroke:#ddd}}</style>";

/// Colours that the colour-blind can tell apart.
const RED: &str = "#d55e00";
const YELLOW: &str = "#e0a100";
const BLUE: &str = "#0072b2";
const GREY: &str = "#999999";

/// A chart of bars on a logarithmic axis.
struct Chart {
    title: String,
    /// Colours and what they mean.
    legend: Vec<(&'static str, &'static str)>,
    /// Where bars begin, and how the axis is marked.
    origin: f64,
    ticks: Vec<(f64, String)>,
    /// Bars of each layer.
    rows: Vec<(String, Vec<Bar>)>,
}

struct Bar {
    value: f64,
    colour: &'static str,
    label: String,
}

/// How much slower than this library the best peer and the best crate are.
pub(super) fn times(report: &Report, work: &str) -> String {
    let bars = |layer: &Measured| {
        [(layer.best_peer(), BLUE), (layer.best_crate(), YELLOW)]
            .into_iter()
            .filter_map(|(best, colour)| {
                let (name, time) = best?;
                let value = time / layer.known();
                let colour = if value < 1.0 { RED } else { colour };
                Some(Bar { value, colour, label: format!("{value:.2} {name}") })
            })
            .collect()
    };
    let what = if work == "step" { "Forward and backward: time" } else { "Time" };
    Chart {
        title: format!("{what} of the best peer and of the best Rust crate, conv-runtime = 1"),
        legend: vec![(BLUE, "best peer"), (YELLOW, "best Rust crate"), (RED, "faster than conv-runtime")],
        origin: 1.0,
        ticks: (-2..=6).map(|power| (2.0_f64.powi(power), 2.0_f64.powi(power).to_string())).collect(),
        rows: rows(report, work, bars),
    }
    .svg(report)
}

/// How near the machine's limit this library and the best are.
pub(super) fn shares(report: &Report, work: &str) -> String {
    let bars = |layer: &Measured| {
        [(Some(("", layer.known())), RED), (layer.best_peer(), BLUE), (layer.best_crate(), GREY)]
            .into_iter()
            .filter_map(|(best, colour)| {
                let (name, time) = best?;
                let value = layer.limit / time;
                Some(Bar { value, colour, label: format!("{:.0} % {name}", value * 100.0) })
            })
            .collect()
    };
    let ticks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0];
    Chart {
        title: "Share of the machine's limit for direct arithmetic".to_owned(),
        legend: vec![(RED, "conv-runtime"), (BLUE, "best peer"), (GREY, "best Rust crate")],
        origin: 0.01,
        ticks: ticks.into_iter().map(|share| (share, format!("{:.0} %", share * 100.0))).collect(),
        rows: rows(report, work, bars),
    }
    .svg(report)
}

/// Every layer that was timed for this.
fn rows(report: &Report, work: &str, bars: impl Fn(&Measured) -> Vec<Bar>) -> Vec<(String, Vec<Bar>)> {
    let layers = report.layers.iter().filter(|layer| layer.work == work);
    layers.map(|layer| (layer.name.clone(), bars(layer))).collect()
}

impl Chart {
    fn svg(&self, report: &Report) -> String {
        let mut svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {:.0} {:.0}" role="img"><title>{title}</title>{STYLE}
<text class="t" x="8" y="18">{title} ({isa}, one thread)</text>
"#,
            LEFT + WIDTH + 130.0,
            self.height(),
            title = self.title,
            isa = report.head.isa,
        );
        let legend = self.legend.iter().enumerate().map(|(at, &(colour, words))| entry(at, colour, words));
        let ticks = self.ticks.iter().map(|(value, words)| self.tick(*value, words));
        svg.extend(legend.chain(ticks));
        let mut y = TOP + 8.0;
        for (name, bars) in &self.rows {
            svg += &text(LEFT - 8.0, y + BAR, r#"text-anchor="end""#, name);
            for bar in bars {
                svg += &self.bar(bar, y);
                y += BAR + 1.0;
            }
            y += GAP;
        }
        svg + "</svg>\n"
    }

    fn height(&self) -> f64 {
        let rows = self.rows.iter().map(|(_, bars)| GAP + (BAR + 1.0) * bars.len() as f64);
        TOP + 16.0 + rows.sum::<f64>()
    }

    /// Where a value is, between the first and the last tick.
    fn x(&self, value: f64) -> f64 {
        let (low, high) = (self.ticks[0].0, self.ticks[self.ticks.len() - 1].0);
        LEFT + WIDTH * (value.clamp(low, high) / low).ln() / (high / low).ln()
    }

    fn tick(&self, value: f64, words: &str) -> String {
        let class = if (value - 1.0).abs() < 1e-9 { r#"class="one" "# } else { "" };
        let (x, low) = (self.x(value), self.height() - 8.0);
        let line = format!("<line {class}x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{low:.0}\"/>\n");
        line + &text(x, TOP - 5.0, r#"class="s" text-anchor="middle""#, words)
    }

    fn bar(&self, bar: &Bar, y: f64) -> String {
        let (origin, end) = (self.x(self.origin), self.x(bar.value));
        let (left, right) = (origin.min(end), origin.max(end));
        let (width, colour) = ((right - left).max(0.5), bar.colour);
        let bare = format!(
            "<rect x=\"{left:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\n"
        );
        bare + &text(right + 4.0, y + BAR - 1.0, r#"class="s""#, &bar.label)
    }
}

fn entry(at: usize, colour: &str, words: &str) -> String {
    let x = LEFT + 190.0 * at as f64;
    let square = format!("<rect x=\"{x}\" y=\"26\" width=\"10\" height=\"10\" fill=\"{colour}\"/>\n");
    square + &text(x + 14.0, 35.0, "", words)
}

fn text(x: f64, y: f64, attributes: &str, words: &str) -> String {
    format!("<text x=\"{x:.0}\" y=\"{y:.1}\" {attributes}>{words}</text>\n")
}
