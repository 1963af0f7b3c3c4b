//! The weights of a block, in the order that its plan wants.

use super::{Case, Data};

/// Those of the block at output channel `first`, and its biases.
pub(super) fn block(case: &Case, data: &Data, first: usize, tail: bool) -> (Vec<f64>, Vec<f64>) {
    let width = case.plan.width(tail);
    match case.plan.panel {
        None => packed(case, data, first, case.plan.channels(&case.spec, tail), width),
        Some(panel) => packed_in_panels(case, data, panel, [first, width]),
    }
}

/// A block's weights `[tap][channel][width]` and biases, filled with zeros. A plan that filters minimally
/// has transformed the kernels.
fn packed(case: &Case, data: &Data, first: usize, channels: usize, width: usize) -> (Vec<f64>, Vec<f64>) {
    let spec = &case.spec;
    let (depth, transforms) = (spec.in_per_group(), case.plan.transforms(spec));
    let taps = case.plan.taps(spec);
    let mut weights = vec![0.0; taps * depth * width];
    let mut bias = vec![0.0; width];
    for o in 0..channels {
        bias[o] = data.bias[first + o];
        for c in 0..depth {
            let kernel = &data.weight[((first + o) * depth + c) * spec.taps()..][..spec.taps()];
            for tap in 0..taps {
                weights[(tap * depth + c) * width + o] = match &transforms {
                    // What is left out must not be read.
                    None => match case.lacks(first + o, tap) {
                        [row, column] if row && case.skips()[0] || column && case.skips()[1] => f64::NAN,
                        _ => kernel[tap],
                    },
                    Some([rows, columns]) => {
                        let (row, column) = (tap / columns.products(), tap % columns.products());
                        let products = kernel.iter().enumerate().map(|(at, weight)| {
                            let (i, j) = (at / spec.kernel.w, at % spec.kernel.w);
                            rows.filter[row][i] * columns.filter[column][j] * weight
                        });
                        products.sum()
                    }
                };
            }
        }
    }
    (weights, bias)
}

/// The weights from a block's first on, of a group packed in panels, and the block's biases.
fn packed_in_panels(
    case: &Case,
    data: &Data,
    panel: usize,
    [first, width]: [usize; 2],
) -> (Vec<f64>, Vec<f64>) {
    let outs = case.spec.out_per_group();
    let panels = (0..outs).step_by(panel).map(|at| packed(case, data, at, panel.min(outs - at), panel));
    let (weights, bias): (Vec<_>, Vec<_>) = panels.unzip();
    let start = first / panel * weights[0].len() + first % panel;
    (weights.concat().split_off(start), bias.concat()[first..][..width].to_vec())
}
