//! The classifier as firmware for a Cortex-M4 or -M7 with a floating-point unit.
//!
//! ```text
//! tools/targets.sh thumb build --release --package digits_embedded
//! ```
//!
//! On a computer the same program tells what it would do.

#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

use digits_embedded::{Memory, SEVEN, classify};

#[cfg(target_os = "none")]
mod firmware;

#[cfg(not(target_os = "none"))]
fn main() {
    println!("It is a {}.", classify(&SEVEN, &mut Memory::new()));
    println!("Weights are in flash; layers work in {} bytes of memory.", size_of::<Memory>());
}
