//! The peers that live in this process: Rust crates. Each computes as fast as its own interface allows; its
//! module's documentation says what a call of it includes.

mod burn;
mod candle;
mod rten;
mod tract;

use layers::{Call, Data, Row, Work};

use crate::Failure;

/// Makes a peer ready for a layer; `None` if it does no such work at all.
pub(crate) type Maker = fn(&Row, &Data, Work) -> Result<Option<Call>, Failure>;

/// All of them.
pub(crate) const PEERS: [(&str, Maker); 4] =
    [("tract", tract::ready), ("rten", rten::ready), ("candle", candle::ready), ("burn-flex", burn::ready)];
