//! Equal inputs, equal bytes, wherever they go; and what is in an image.

use super::*;

/// A small program that links to a C library.
fn image() -> Image {
    Image { program: PathBuf::from("/bin/sh"), compressed: true, ..Image::default() }
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("siskin-image-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    folder
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let found = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let all = found.flat_map(|path| {
        let whole = path.is_dir();
        if whole {
            contents(&path)
        } else {
            BTreeMap::from([(path.clone(), fs::read(path).unwrap())])
        }
    });
    all.collect()
}

#[test]
fn equal_inputs_make_equal_layouts_and_archives() {
    let (first, second) = (folder("first"), folder("second"));
    let built = [&first, &second].map(|folder| {
        let built = image().build().unwrap();
        built.push_layout(folder, "1").unwrap();
        built
    });
    assert_eq!(built[0].archive(&[]).unwrap(), built[1].archive(&[]).unwrap());
    let relative = |folder: &Path| -> BTreeMap<PathBuf, Vec<u8>> {
        let all = contents(folder).into_iter();
        all.map(|(path, bytes)| (path.strip_prefix(folder).unwrap().to_owned(), bytes)).collect()
    };
    assert_eq!(relative(&first), relative(&second));
    assert_eq!(relative(&first).len(), 5, "index, version, manifest, configuration, layer");
    for folder in [first, second] {
        fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn whatever_is_in_an_image_changes_its_digest_and_its_name_does_not() {
    let digest = |image: Image| image.build().unwrap().digest().to_owned();
    let plain = digest(image());
    let said = BTreeMap::from([("key".to_owned(), "value".to_owned())]);
    let more = BTreeMap::from([("/file".to_owned(), Entry::text("text"))]);
    let others = [
        Image { annotations: said, ..image() },
        Image { files: more, ..image() },
        Image { arguments: vec!["--help".to_owned()], ..image() },
        Image { compressed: false, ..image() },
    ];
    for other in others {
        assert_ne!(digest(other), plain);
    }
}

#[test]
fn a_layout_keeps_other_images_and_replaces_its_own() {
    let folder = folder("kept");
    let references = || {
        let index: Value =
            serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
        let named = index["manifests"].as_array().unwrap().iter();
        named
            .map(|it| it["annotations"][REFERENCE].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let built = image().build().unwrap();
    for reference in ["1-arm64", "1-amd64", "1-arm64"] {
        built.push_layout(&folder, reference).unwrap();
    }
    assert_eq!(references(), ["1-amd64", "1-arm64"]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn nothing_is_run_as_root_and_nothing_becomes_it() {
    let entries = image().entries("/usr/local/bin/x").unwrap();
    for (path, entry) in &entries {
        let (Entry::File { mode, .. } | Entry::Folder { mode }) = entry else { continue };
        assert_eq!(mode & 0o6000, 0, "{path} is setuid or setgid");
        assert!(mode & 0o002 == 0 || path == "/tmp", "{path} is for all to write");
    }
    let shells = ["/bin/", "/usr/bin/", "/sbin/"];
    assert!(!entries.keys().any(|path| shells.iter().any(|it| path.starts_with(it))), "a shell?");
    let configuration: Value =
        serde_json::from_slice(&image().build().unwrap().configuration.content).unwrap();
    assert_eq!(configuration["config"]["User"], "65532:65532");
    assert_eq!(configuration.get("created"), None, "a time");
}
