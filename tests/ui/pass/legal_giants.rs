//! Large layers are as legal as small ones.

use conv_runtime::prelude::*;

conv2d! {
    struct Depthwise<in: 100_000, out: 100_000, k: 3, groups: 100_000>;
    struct Wide<in: 2048, out: 2048, k: 31>;
    struct Far<in: 1, out: 1, k: 1, dilation: 1_099_511_627_776>;
    struct Sparse<in: 1, out: 1, k: 3, stride: 9_223_372_036_854_775_807>;
    struct Padded<in: 1, out: 1, k: 3, padding: 1_000_000>;
    struct Bridged<in: 1, out: 1, k: 5, padding: same, input: (1, 1)>;
}

fn main() {
    println!("{} {} {}", Depthwise::PLAN, Wide::PLAN, Far::PLAN);
    println!("{} {} {}", Sparse::PLAN, Padded::PLAN, Bridged::PLAN);
}
