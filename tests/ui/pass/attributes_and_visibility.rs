//! What stands before `struct` passes through.

#![deny(dead_code, deprecated, missing_docs)]

use conv_runtime::prelude::*;

/// Layers.
pub mod layers {
    conv_runtime::conv2d! {
        /// Documented, over
        /// two lines.
        #[derive(Debug, Clone)]
        #[must_use]
        pub struct Public<in: 1, out: 1, k: 1>;

        #[doc = concat!("Documented", " by a macro.")]
        #[derive(Clone)]
        pub(crate) struct Crate<in: 1, out: 1, k: 1>;

        #[allow(dead_code)]
        pub(super) struct Super<in: 1, out: 1, k: 1>;

        #[allow(dead_code)]
        pub(in crate::layers) struct Path<in: 1, out: 1, k: 1>;

        #[cfg(any())]
        struct Chosen<in: 1, out: 1, k: 1>;

        #[cfg(not(any()))]
        #[allow(dead_code)]
        struct Chosen<in: 2, out: 1, k: 1>;

        #[cfg_attr(all(), derive(Debug))]
        #[deprecated = "for the test"]
        pub struct Deprecated<in: 1, out: 1, k: 1>;
    }
}

fn main() {
    println!("{:?}", layers::Public::init(0).clone());
    let _ = layers::Crate::init(0).clone();
}
