//! Forms that are refused, and those that are not.
//! Small inputs only.

use super::check;
use crate::source::Source;
use crate::workspace::Workspace;

fn places(files: &[(&str, &str)]) -> Vec<String> {
    let mut sources = vec![Source::new(
        "a/Cargo.toml",
        "[package]\nname = \"a\"\n[[test]]\npath = \"tests/slow/main.rs\"\ntest = false",
    )];
    sources.extend(files.iter().map(|(path, text)| Source::new(path, text)));
    let found = check(&Workspace::new(&sources));
    found.iter().map(|finding| format!("{}:{}", finding.file, finding.line)).collect()
}

#[test]
fn a_module_stands_beside_its_folder() {
    let good = [("a/src/lib.rs", "mod b;"), ("a/src/b.rs", "mod c;"), ("a/src/b/c.rs", "")];
    assert_eq!(places(&good), [""; 0]);
    let old = [("a/src/lib.rs", "mod b;"), ("a/src/b/mod.rs", "mod c;"), ("a/src/b/c.rs", "")];
    assert_eq!(places(&old), ["a/src/b/mod.rs:0"]);
}

#[test]
fn tests_stand_below_what_they_test() {
    let old = [
        ("a/src/lib.rs", "#[cfg(test)] #[path = \"b_tests.rs\"] mod tests;"),
        ("a/src/b_tests.rs", ""),
    ];
    assert_eq!(places(&old), ["a/src/b_tests.rs:0"]);
}

#[test]
fn inline_tests_of_61_lines_are_refused() {
    let tests = |lines: usize| format!("\n#[cfg(test)]\nmod tests {{{}}}", "\n".repeat(lines - 1));
    assert_eq!(places(&[("a/src/lib.rs", &tests(60))]), [""; 0]);
    assert_eq!(places(&[("a/src/lib.rs", &tests(61))]), ["a/src/lib.rs:3"]);
}

#[test]
fn a_file_that_no_module_declares_is_refused() {
    assert_eq!(places(&[("a/src/lib.rs", ""), ("a/src/b.rs", "")]), ["a/src/b.rs:0"]);
}

#[test]
fn a_package_has_one_test_binary_besides_those_that_no_run_starts() {
    let one =
        [("a/tests/a/main.rs", "mod b;"), ("a/tests/a/b.rs", ""), ("a/tests/slow/main.rs", "")];
    assert_eq!(places(&one), [""; 0]);
    assert_eq!(places(&[("a/tests/b.rs", ""), ("a/tests/c.rs", "")]), ["a/Cargo.toml:0"]);
}
