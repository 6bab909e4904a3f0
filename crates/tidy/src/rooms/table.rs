//! The table of rooms as data, from its text.
//! Whether it fits the tree is said by `check`.
//!
//! A line `crate NAME | crates it may depend on | what it is and may not do` starts a crate; `!name` there forbids a
//! dependency. Indented lines `ROOMS | rooms they may import | what they are and may not do` are its rooms: files and
//! folders of its `src`, by their names without `.rs`; `room/file` is a room within a room. `all` stands for all rooms above the line.

/// A crate and its rooms.
#[derive(Debug)]
pub struct CrateRow<'a> {
    /// Name of the package.
    pub name: &'a str,
    /// Packages of the workspace that it may depend on.
    pub may_use: Vec<&'a str>,
    /// Dependencies of any origin that it may not have.
    pub never: Vec<&'a str>,
    /// What it is, and what it may not do.
    pub invariant: &'a str,
    /// Its rooms, from the ground up; none if the crate is one room.
    pub rooms: Vec<RoomRow<'a>>,
    /// Line in the table.
    pub line: usize,
}

/// A room, or some that have the same rights.
#[derive(Debug)]
pub struct RoomRow<'a> {
    /// Their names.
    pub names: Vec<&'a str>,
    /// Rooms that they may import.
    pub may_use: Vec<&'a str>,
    /// Whether these are all rooms above the line.
    pub all_above: bool,
    /// What they are, and what they may not do.
    pub invariant: &'a str,
    /// Line in the table.
    pub line: usize,
}

/// All crates of the workspace.
#[derive(Debug)]
pub struct Table<'a> {
    /// Crates, in the order of the text.
    pub crates: Vec<CrateRow<'a>>,
}

/// The workspace's table.
pub const ROOMS: &str = include_str!("../../rooms.txt");

impl<'a> Table<'a> {
    /// Reads the text of a table; a line that is not understood is told.
    pub fn read(text: &'a str) -> Result<Self, String> {
        let mut crates: Vec<CrateRow<'a>> = Vec::new();
        let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
        for (line, it) in lines.filter(|(_, it)| !it.trim().is_empty() && !it.starts_with('#')) {
            let cells: Vec<_> = it.split('|').map(str::trim).collect();
            let [names, uses, invariant] = cells[..] else {
                return Err(format!("line {line}: a row has three cells, not {}", cells.len()));
            };
            let uses: Vec<_> = uses.split_whitespace().collect();
            if let Some(name) = names.strip_prefix("crate ") {
                let never = uses.iter().filter_map(|it| it.strip_prefix('!')).collect();
                let may_use = uses.into_iter().filter(|it| !it.starts_with('!')).collect();
                crates.push(CrateRow { name, may_use, never, invariant, rooms: Vec::new(), line });
                continue;
            }
            let Some(row) = crates.last_mut() else {
                return Err(format!("line {line}: a room before the first crate"));
            };
            let above = row.rooms.iter().flat_map(|room| room.names.iter().copied());
            let all_above = uses == ["all"];
            let may_use = if all_above { above.collect() } else { uses };
            let names = names.split_whitespace().collect();
            row.rooms.push(RoomRow { names, may_use, all_above, invariant, line });
        }
        Ok(Self { crates })
    }
}
