//! Files on a real file system: whole at every moment, bounded, and errors that say what to do.
//! A full disk is `/dev/full` in place of what is being written.

use std::io::Read;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use siskin_decide::{Revision, RolloutId};

use crate::name::Name;
use crate::traces::archive::tests::Folder;

use super::*;

/// The n-th trace of a rollout, one minute after the one before.
fn recorded(name: &str, n: u32) -> Recorded {
    let id = RolloutId { revision: Revision(0xab), attempt: n };
    let began = 1_780_000_000_000 + 60_000 * i64::from(n);
    Recorded { name: Name::new("shop", name), id, began }
}

fn bytes(len: usize) -> [Bytes; 1] {
    [Bytes::from(vec![0; len])]
}

fn open(folder: &Folder) -> Directory {
    Directory::open(&folder.0, MIN_BYTES).unwrap()
}

fn paths(directory: &Directory) -> Vec<String> {
    directory.list().unwrap().into_iter().map(|it| it.path).collect()
}

#[test]
fn what_is_stored_is_read_back_by_another_process() {
    let folder = Folder::new();
    let parts = [Bytes::from_static(b"one"), Bytes::from_static(b"two")];
    open(&folder).store(&recorded("orders", 1), &parts).unwrap();
    let directory = open(&folder);
    let path = "shop/orders/20260528T202740.000Z-00000000ab-1.jsonl.gz".to_owned();
    assert_eq!(directory.list().unwrap(), [Stored { path: path.clone(), bytes: 6 }]);
    let [namespace, name, file] = path.split('/').collect::<Vec<_>>()[..] else { panic!() };
    assert_eq!(directory.read(namespace, name, file).unwrap().unwrap(), b"onetwo");
    assert_eq!(directory.read("bank", name, file).unwrap(), None);
    assert_eq!(directory.read(namespace, "..", file).unwrap(), None);
    assert_eq!(directory.read(namespace, name, "../../../etc/passwd").unwrap(), None);
}

#[test]
fn a_longer_part_of_the_same_recording_takes_the_place_of_the_shorter() {
    let folder = Folder::new();
    let directory = open(&folder);
    directory.store(&recorded("orders", 1), &bytes(10)).unwrap();
    directory.store(&recorded("orders", 1), &bytes(20)).unwrap();
    let stored = directory.list().unwrap();
    assert_eq!(stored.iter().map(|it| it.bytes).collect::<Vec<_>>(), [20]);
}

#[test]
fn the_oldest_make_room_and_nothing_else_is_touched() {
    let folder = Folder::new();
    let directory = open(&folder);
    let mine = folder.0.join("shop/first/notes.txt");
    for (name, n) in [("first", 1), ("second", 0), ("third", 2)] {
        directory.store(&recorded(name, n), &bytes(3 << 20)).unwrap();
    }
    std::fs::create_dir(folder.0.join("lost+found")).unwrap();
    std::fs::write(&mine, "mine").unwrap();
    assert_eq!(paths(&directory).len(), 2, "three do not fit into 8 MiB");
    assert!(!folder.0.join("shop/second").exists(), "its only trace was the oldest");
    directory.store(&recorded("third", 3), &bytes(8 << 20)).unwrap();
    assert_eq!(paths(&directory), ["shop/third/20260528T202940.000Z-00000000ab-3.jsonl.gz"]);
    assert!(mine.exists() && folder.0.join("lost+found").exists());
}

#[test]
fn there_are_never_more_files_than_the_bound() {
    let folder = Folder::new();
    let directory = open(&folder);
    let many = folder.0.join("shop/orders");
    std::fs::create_dir_all(&many).unwrap();
    for n in 0..MAX_FILES {
        let name = format!("2026{n:04}T000000.000Z-00000000ab-1.jsonl.gz");
        std::fs::write(many.join(name), "").unwrap();
    }
    directory.store(&recorded("orders", 0), &bytes(1)).unwrap();
    let left = paths(&directory);
    assert_eq!(left.len(), MAX_FILES);
    assert!(left[0].contains("/20260001T"), "{}", left[0]);
}

#[test]
fn what_a_killed_process_left_is_removed_and_never_listed() {
    let folder = Folder::new();
    let left = folder.0.join(".partial-0123456789abcdef");
    std::fs::write(&left, "half").unwrap();
    let directory = open(&folder);
    assert!(!left.exists() && paths(&directory).is_empty());
    let own: Vec<_> = std::fs::read_dir(&folder.0).unwrap().collect();
    assert!(own.is_empty(), "nothing is left of the probe: {own:?}");
}

/// What another process could find at any moment is what is left when this one is killed then.
#[test]
fn at_every_moment_each_file_is_whole() {
    let folder = Folder::new();
    let (directory, done) = (open(&folder), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..=60_u32 {
                let text = vec![b'x'; usize::try_from(n).unwrap() * 2_000];
                let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
                gzip.write_all(&text).unwrap();
                let member = Bytes::from(gzip.finish().unwrap());
                directory.store(&recorded("orders", n % 2), &[member]).unwrap();
            }
            done.store(true, Ordering::Release);
        });
        let mut looked = 0;
        while !done.load(Ordering::Acquire) {
            for path in paths(&directory) {
                let Some(file) = found(File::open(folder.0.join(path))).unwrap() else { continue };
                let mut text = Vec::new();
                MultiGzDecoder::new(file).read_to_end(&mut text).expect("a whole file");
                assert_eq!(text.len() % 2_000, 0);
                looked += 1;
            }
        }
        assert!(0 < looked);
    });
}

#[test]
fn a_full_disk_leaves_the_file_before_and_no_half_one() {
    let folder = Folder::new();
    let directory = open(&folder);
    directory.store(&recorded("orders", 1), &bytes(10)).unwrap();
    symlink("/dev/full", &directory.partial).unwrap();
    let error = directory.store(&recorded("orders", 1), &bytes(20)).unwrap_err();
    let StoreError::Write { source, .. } = &error else { panic!("{error}") };
    assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    let path = "shop/orders/20260528T202740.000Z-00000000ab-1.jsonl.gz";
    assert_eq!(error.to_string(), format!("write the trace {}", folder.0.join(path).display()));
    assert!(!directory.partial.is_symlink());
    assert_eq!(directory.list().unwrap()[0].bytes, 10);
    directory.store(&recorded("orders", 1), &bytes(20)).unwrap();
    assert_eq!(directory.list().unwrap()[0].bytes, 20);
}

#[test]
fn a_directory_that_can_not_be_used_says_what_where_and_what_to_do() {
    let folder = Folder::new();
    let (missing, file) = (folder.0.join("missing"), folder.0.join("file"));
    std::fs::write(&file, "").unwrap();
    for path in [missing, file] {
        let error = Directory::open(&path, MIN_BYTES).unwrap_err();
        assert!(matches!(error, OpenError::Look { .. }), "{error:?}");
        let words = format!("look into the trace directory {}: mount a volume", path.display());
        assert!(error.to_string().starts_with(&words), "{error}");
    }
    // Read-only for everybody, as a volume may be.
    let error = Directory::open(Path::new("/proc"), MIN_BYTES).unwrap_err();
    assert!(matches!(error, OpenError::Write { .. }), "{error:?}");
    let words = "write into the trace directory /proc: mount its volume writable";
    assert!(error.to_string().starts_with(words), "{error}");
}
