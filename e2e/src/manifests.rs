//! Deployments of every shape, made from the API server's own schema: every field that it publishes, with the texts that
//! some encoder escapes. What the API server refuses is mended by what it says. It knows nothing of Siskin.

mod dice;
mod left_out;
mod mend;
mod rules;
mod schema;
mod shape;
mod texts;
mod words;
mod written;

pub use dice::Dice;
pub use left_out::{LeftOut, left_out};
pub use mend::{Accepted, Refusal, accepted};
pub use schema::{Field, Schemas};
pub use shape::Shape;
pub use written::written;

#[cfg(test)]
mod tests;
