//! Images of one binary of this machine, made as a release's is and given to containerd without a registry.
//! Equal content has an equal digest, so that nothing is imported twice; pods use it with `imagePullPolicy: Never`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use siskin_image::entries::{Entries, Entry};
use siskin_image::image::Image as Packed;

use super::bed::Testbed;
use super::places::Places;
use super::{containers, shell};

/// Whether an image had to be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    /// The image is new, or differs from the one of that name.
    Imported,
    /// An image of equal content was there.
    AlreadyThere,
}

/// An image to be built: a binary at `/usr/local/bin`, what it links to, and what it runs as.
#[derive(Debug, Clone)]
pub struct Image {
    /// Every name that it gets, as `localhost/NAME:TAG`.
    pub names: Vec<String>,
    /// The program, on this machine.
    pub binary: PathBuf,
    /// Its arguments when a pod gives none.
    pub arguments: Vec<String>,
}

impl Testbed {
    /// Builds an image of one binary of this machine, run without arguments, and loads it; `name` as in `localhost/NAME:TAG`.
    pub fn load_image(&self, name: &str, binary: &Path) -> Result<Loaded> {
        let (names, binary) = (vec![name.to_owned()], binary.to_owned());
        self.load(&Image { names, binary, arguments: Vec::new() })
    }

    /// Loads an archive that somebody else made, as a registry would serve it under this name.
    pub fn load_archive(&self, name: &str, archive: &Path) -> Result<()> {
        let mut import = containers::ctr(&self.places);
        import.args(["images", "import", "--index-name", name]).arg(archive);
        let outcome = shell::output(&mut import);
        outcome.with_context(|| format!("importing {}", archive.display())).map(drop)
    }

    /// Builds an image and loads it.
    pub fn load(&self, image: &Image) -> Result<Loaded> {
        load(&self.places, image)
    }
}

/// The image of every pod's own container, and of whatever needs no more than a shell.
pub(super) fn load_busybox(places: &Places) -> Result<()> {
    let image = Image {
        names: vec!["localhost/pause:1".to_owned(), "localhost/busybox:1".to_owned()],
        binary: PathBuf::from("/bin/busybox"),
        // Longer than any bed: `sleep` of an endless time is not in every busybox.
        arguments: vec!["sleep".to_owned(), "1000000000".to_owned()],
    };
    load(places, &image).map(drop)
}

fn load(places: &Places, image: &Image) -> Result<Loaded> {
    let names = || image.names.join(" and ");
    for name in &image.names {
        let well_formed = name.starts_with("localhost/") && name[10..].contains(':');
        ensure!(well_formed, "{name} is not of the form localhost/NAME:TAG");
    }
    let _activity = shell::doing(&format!("making the image {}", names()));
    let packed = Packed {
        program: image.binary.clone(),
        arguments: image.arguments.clone(),
        files: applets(&image.binary)?,
        ..Packed::default()
    };
    let built = packed.build().with_context(|| format!("making {}", names()))?;
    let digest = built.digest();
    let mut listing = containers::ctr(places);
    let listing = shell::output(listing.args(["images", "ls"]))?;
    if image.names.iter().all(|name| is_listed(&listing, name, digest)) {
        return Ok(Loaded::AlreadyThere);
    }
    // Commands may load at the same time; each has its own file.
    let file = places.run.join(format!("tmp/{digest}-{}.tar", std::process::id()));
    let annotations = image
        .names
        .iter()
        .map(|name| BTreeMap::from([("io.containerd.image.name".to_owned(), name.clone())]));
    fs::write(&file, built.archive(&annotations.collect::<Vec<_>>())?)?;
    let mut import = containers::ctr(places);
    // Unpacked by the first pod that needs it, else.
    let outcome = shell::output(import.args(["images", "import"]).arg(&file));
    fs::remove_file(&file)?;
    outcome.with_context(|| format!("importing {}", names()))?;
    Ok(Loaded::Imported)
}

/// Programs of a busybox by their own names: `sh`, `ls`, `wget` and some 250 more; of another binary none.
fn applets(binary: &Path) -> Result<Entries> {
    if !binary.ends_with("busybox") {
        return Ok(Entries::new());
    }
    let listed = shell::output(Command::new(binary).arg("--list"))?;
    let link = || Entry::Link { target: "/usr/local/bin/busybox".to_owned() };
    Ok(listed.lines().map(|applet| (format!("/bin/{applet}"), link())).collect())
}

fn is_listed(listing: &str, name: &str, digest: &str) -> bool {
    let mut lines = listing.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines.any(|words| words.first() == Some(&name) && words.iter().any(|w| w.ends_with(digest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_listed_by_name_and_digest() {
        let listing = "REF TYPE DIGEST\nlocalhost/a:1 t sha256:00ff 1 MiB - -\n";
        assert!(is_listed(listing, "localhost/a:1", "00ff"));
        assert!(!is_listed(listing, "localhost/a:1", "00fe"));
        assert!(!is_listed(listing, "localhost/a", "00ff"));
    }
}
