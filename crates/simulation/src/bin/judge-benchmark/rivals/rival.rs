//! What a judge is to the benchmark. It names none of them.

use crate::view::View;

/// A judge that can only roll back.
pub trait Rival {
    /// Takes a look before the trial. Most judges have no use for it.
    fn learn(&mut self, _view: &View) {}

    /// Takes the next look; answers whether to roll back now.
    fn rolls_back(&mut self, view: &View) -> bool;
}
