//! Loss and accuracy over the epochs, as a picture.

use std::fmt::Write;

/// What was measured after an epoch.
pub(crate) struct Epoch {
    pub(crate) loss: f64,
    pub(crate) accuracy: f64,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
const MARGIN: f64 = 56.0;

/// One curve and its axis.
struct Curve {
    name: &'static str,
    colour: &'static str,
    low: f64,
    high: f64,
    points: Vec<f64>,
}

impl Curve {
    fn y(&self, value: f64) -> f64 {
        let part = (value.clamp(self.low, self.high) - self.low) / (self.high - self.low);
        HEIGHT - MARGIN - part * (HEIGHT - 2.0 * MARGIN)
    }

    fn draw(&self, side: f64, anchor: &str, label: impl Fn(f64) -> String) -> String {
        let step = (WIDTH - 2.0 * MARGIN) / (self.points.len().max(2) - 1) as f64;
        let points: Vec<_> = (self.points.iter().enumerate())
            .map(|(at, value)| format!("{:.1},{:.1}", MARGIN + step * at as f64, self.y(*value)))
            .collect();
        let mut svg = format!(
            "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"2\" points=\"{}\"/>\n",
            self.colour,
            points.join(" ")
        );
        for tick in 0..=4 {
            let value = self.low + (self.high - self.low) * f64::from(tick) / 4.0;
            let _ = writeln!(
                svg,
                "<text x=\"{side}\" y=\"{:.1}\" text-anchor=\"{anchor}\" fill=\"{}\">{}</text>",
                self.y(value) + 4.0,
                self.colour,
                label(value)
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{side}\" y=\"{}\" text-anchor=\"{anchor}\" fill=\"{}\">{}</text>",
            MARGIN - 20.0,
            self.colour,
            self.name
        );
        svg
    }
}

/// The chart: the loss in powers of ten on the left, the accuracy on the right.
pub(crate) fn svg(epochs: &[Epoch]) -> String {
    let losses: Vec<_> = epochs.iter().map(|epoch| epoch.loss.max(1e-9).log10()).collect();
    let least = losses.iter().copied().fold(0.0, f64::min).floor();
    let most = losses.iter().copied().fold(least + 1.0, f64::max).ceil();
    let loss = Curve { name: "training loss", colour: "#c0392b", low: least, high: most, points: losses };
    let points = epochs.iter().map(|epoch| 100.0 * epoch.accuracy).collect();
    let accuracy = Curve { name: "held-out accuracy", colour: "#2471a3", low: 80.0, high: 100.0, points };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <rect x=\"{MARGIN}\" y=\"{MARGIN}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#bbb\"/>\n",
        WIDTH - 2.0 * MARGIN,
        HEIGHT - 2.0 * MARGIN
    );
    svg += &loss.draw(MARGIN - 8.0, "end", |power| format!("{:.3}", 10.0_f64.powf(power)));
    svg += &accuracy.draw(WIDTH - MARGIN + 8.0, "start", |percent| format!("{percent:.0} %"));
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555\">{} epochs</text>\n</svg>",
        WIDTH / 2.0,
        HEIGHT - MARGIN + 24.0,
        epochs.len()
    );
    svg
}
