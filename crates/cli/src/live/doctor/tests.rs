//! Diagnoses as a table: what was read, and what is said about it.
//! Pure: no cluster, and a time that is given.

mod installation;
mod rollout;

use crate::cluster::ask_error::CANNOT_ASK;
use crate::live::doctor::diagnosis::{self, Diagnosis, Severity};
use crate::live::doctor::{FOUND, code};
use crate::live::paint::Paint;

/// Whether one diagnosis has this severity, this in its text, and this in its remedy.
fn has(found: &[Diagnosis], severity: Severity, text: &str, remedy: &str) -> bool {
    let fits = |it: &Diagnosis| {
        it.severity == severity && it.text.contains(text) && it.remedy.contains(remedy)
    };
    found.iter().any(fits)
}

#[test]
fn the_exit_code_says_what_was_found_and_whether_anything_was_looked_at() {
    let wrong = || Diagnosis::wrong("a", "b");
    let note = || Diagnosis::note("a", "b");
    let unchecked = || Diagnosis::unchecked("a", "b");
    for (found, exit) in [
        (vec![Diagnosis::fine("a")], 0),
        (vec![Diagnosis::fine("a"), note(), unchecked()], 0),
        (vec![wrong(), Diagnosis::fine("a")], FOUND),
        (vec![unchecked(), wrong()], FOUND),
        (vec![unchecked(), unchecked()], CANNOT_ASK),
    ] {
        assert_eq!(code(&found), exit, "{found:?}");
    }
}

#[test]
fn the_gravest_comes_first_and_what_was_not_checked_is_counted() {
    let found = [
        Diagnosis::fine("one"),
        Diagnosis::unchecked("two", "no right"),
        Diagnosis::note("three", "do this"),
        Diagnosis::wrong("four", "do that"),
    ];
    let text = diagnosis::text("shop/orders", &found, Paint::Off);
    let expected = "shop/orders
  WRONG        four
               -> do that
  note         three
               -> do this
  not checked  two, since no right
  fine         one
1 thing is wrong; 1 check could not be made
";
    assert_eq!(text, expected);
    let painted = diagnosis::text("shop/orders", &found, Paint::On);
    assert!(painted.contains("\x1b[31mWRONG      \x1b[0m  four"), "{painted}");
}
