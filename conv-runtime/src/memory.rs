//! Memory that kernels read and write fast: [`Aligned`] is that of tensors, [`Resident`] that of layers and scratches,
//! which lasts.

mod aligned;
mod pages;
mod resident;

pub(crate) use aligned::Aligned;
pub(crate) use resident::Resident;
