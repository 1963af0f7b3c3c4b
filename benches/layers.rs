//! The layers of the benchmark suite, as types: compiled once for all benchmarks.

mod suite;

/// A module for each layer.
macro_rules! layers {
    ($($name:ident, $batch:literal, ($h:literal, $w:literal), { $($keys:tt)* };)*) => {
        $(
            /// A layer of the suite.
            pub mod $name {
                conv_runtime::conv2d! {
                    /// Made for its image size.
                    pub struct Known<$($keys)*, input: ($h, $w)>;
                    /// Made for images of any size.
                    pub struct Free<$($keys)*>;
                }
            }
        )*
    };
}

for_each_suite_layer!(layers);
