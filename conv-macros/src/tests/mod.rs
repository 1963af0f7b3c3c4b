//! The tests of this crate, by stage.

mod front;
mod gradients;
mod interp;
mod layers;
