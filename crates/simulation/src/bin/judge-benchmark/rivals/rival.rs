//! What a judge is to the benchmark. It names none of them.

use crate::view::View;

/// A judge that can only roll back.
pub trait Rival {
    /// Takes the next look; answers whether to roll back now.
    fn rolls_back(&mut self, view: &View) -> bool;
}
