//! The tests of this crate, by stage.

mod cases;
mod expansion;
mod file;
mod front;
mod gradients;
mod interp;
mod layers;
mod pattern;
mod stages;
