//! Deployments of every shape, made from the API server's own schema: every field that it publishes, with the texts that
//! some encoder escapes. What the API server refuses is mended by what it says. It knows nothing of Siskin.

mod dice;
mod mend;
mod schema;
mod shape;
mod texts;
mod written;

pub use dice::Dice;
pub use mend::{Accepted, accepted};
pub use schema::Schemas;
pub use shape::Shape;
pub use written::written;

#[cfg(test)]
mod tests;
