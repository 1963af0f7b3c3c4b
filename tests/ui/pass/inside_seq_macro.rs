//! Numbered layers.

use conv_runtime::prelude::*;

seq_macro::seq!(N in 1..=3 {
    conv2d! { struct Layer~N<in: N, out: 2, k: (N, 3), padding: same>; }
});

fn main() {
    let _ = (Layer1::init(0), Layer2::init(0), Layer3::init(0));
}
