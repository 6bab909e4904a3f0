//! `cargo image`: builds the operator's image for this machine's processor, with its bill of materials and its notice.
//! What is pushed, signed and published is a release's business: docs/release.md.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use siskin_image::annotations;
use siskin_image::entries::Entry;
use siskin_image::image::{Image, REFERENCE};
use siskin_image::{inventory, machine, notice, release, sbom};
use siskin_launch::progress::{Activity, say};

/// Where the image says whose it is and what it holds.
const DOCUMENTS: &str = "/usr/share/doc/siskin";

/// Build the operator's image, without a container engine. The digest is printed.
///
/// Beside each result go NAME.cdx.json, the bill of materials, and NAME.NOTICE. Without an option the archive is
/// target/image/siskin-operator-VERSION-ARCHITECTURE.tar.
#[derive(Parser)]
#[command(name = "cargo image", version)]
struct Options {
    /// Put the image into an OCI layout; others that are in it stay
    #[arg(long, value_name = "DIR")]
    push_layout: Option<PathBuf>,
    /// Write an OCI archive, as skopeo, podman and ctr read it
    #[arg(long, value_name = "FILE")]
    archive: Option<PathBuf>,
    /// Address of the repository, for the label org.opencontainers.image.source
    #[arg(long, value_name = "URL")]
    source: Option<String>,
}

fn main() -> Result<()> {
    let mut options = Options::parse();
    let repository = release::repository();
    let version = env!("CARGO_PKG_VERSION");
    let reference = format!("{version}-{}", machine::architecture());
    if options.push_layout.is_none() && options.archive.is_none() {
        let name = format!("target/image/{}-{reference}.tar", release::PACKAGE);
        options.archive = Some(repository.join(name));
    }
    let program = release::build()?;
    let activity = Activity::begin("image: taking stock of what is in it");
    let inventory = inventory::taken(&repository, release::PACKAGE, &release::target(), &program)?;
    let notice = notice::of(&inventory)?;
    drop(activity);
    let _activity = Activity::begin("image: packing it");
    let license = fs::read(repository.join("LICENSE")).context("reading LICENSE")?;
    let built = Image {
        program: program.clone(),
        files: BTreeMap::from([
            (format!("{DOCUMENTS}/NOTICE"), Entry::text(notice.clone())),
            (format!("{DOCUMENTS}/LICENSE"), Entry::text(license)),
        ]),
        annotations: annotations::of_release(&repository, version, options.source.as_deref()),
        compressed: true,
        ..Image::default()
    }
    .build()?;
    let bill = sbom::cyclonedx(&inventory, &fs::read(&program)?, built.digest());
    if let Some(folder) = &options.push_layout {
        built.push_layout(folder, &reference)?;
        say(&format!("image: {}", folder.display()));
        beside(folder, &bill, &notice)?;
    }
    if let Some(file) = &options.archive {
        let named = BTreeMap::from([(REFERENCE.to_owned(), reference.clone())]);
        write(file, &built.archive(&[named])?)?;
        beside(file, &bill, &notice)?;
    }
    println!("sha256:{}", built.digest());
    Ok(())
}

fn beside(path: &Path, bill: &str, notice: &str) -> Result<()> {
    let name = path.file_name();
    ensure!(name.is_some(), "{} has no name to put others beside", path.display());
    for (ending, text) in [(".cdx.json", bill), (".NOTICE", notice)] {
        let mut name: OsString = name.unwrap_or_default().to_owned();
        name.push(ending);
        write(&path.with_file_name(name), text.as_bytes())?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))?;
    say(&format!("image: {}", path.display()));
    Ok(())
}
