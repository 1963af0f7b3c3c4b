//! The tests of this crate, by stage.

mod front;
mod interp;
mod layers;
