//! The table of rooms: which part of the workspace may import which, checked and shown in the docs.
//! The table's text is `rooms.txt` of this crate; nothing here knows a room by name.

pub mod check;
pub mod render;
pub mod table;

#[cfg(test)]
mod tests;
