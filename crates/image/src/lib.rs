//! Container images of one program, made without a container engine: the release's own, and those of the test bed.
//! Equal inputs make equal bytes: no time, no owner, no path of this machine. It pushes nothing and signs nothing.

pub mod annotations;
pub mod entries;
pub mod image;
pub mod inventory;
pub mod machine;
pub mod native;
pub mod notice;
pub mod release;
pub mod sbom;
