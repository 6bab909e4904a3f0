//! When a line is due, by a clock that the tests set. Nothing here waits or writes.

use super::*;

fn lines(teller: &mut Teller, begun: Instant, terminal: bool, seconds: u64) -> Vec<(u64, String)> {
    let each = (0..=2 * seconds).filter_map(|half| {
        let now = begun + TICK * u32::try_from(half).unwrap();
        teller.due(now, terminal).map(|it| (half / 2, it))
    });
    each.collect()
}

#[test]
fn elsewhere_than_on_a_terminal_no_silence_lasts_ten_seconds() {
    let (mut teller, begun) = (Teller::new(), Instant::now());
    let number = teller.begin("building etcd".to_owned(), begun);
    teller.detail(number, "  go: downloading x\n");
    let lines = lines(&mut teller, begun, false, 40);
    assert_eq!(lines[0], (1, "building etcd, 1 s so far: go: downloading x\n".to_owned()));
    assert!(lines.windows(2).all(|it| it[1].0 - it[0].0 < 10), "{lines:?}");
    assert!(lines.iter().all(|it| !it.1.contains('\x1b')), "{lines:?}");
    assert_eq!(lines.len(), 5);
}

#[test]
fn a_terminal_shows_one_line_that_is_rewritten() {
    let (mut teller, begun) = (Teller::new(), Instant::now());
    let number = teller.begin("building".to_owned(), begun);
    teller.detail(number, &"x".repeat(200));
    let lines = lines(&mut teller, begun, true, 5);
    assert!(lines.len() >= 8, "{lines:?}");
    assert!(lines.iter().all(|it| it.1.starts_with("\r\x1b[K") && !it.1.contains('\n')));
    assert!(lines.iter().all(|it| it.1.chars().count() <= WIDTH + 4));
    assert_eq!(teller.erased(), "\r\x1b[K");
    assert_eq!(teller.erased(), "");
}

#[test]
fn the_latest_activity_is_told_of_and_then_the_one_around_it() {
    let (mut teller, begun) = (Teller::new(), Instant::now());
    let outer = teller.begin("outer".to_owned(), begun);
    let inner = teller.begin("inner".to_owned(), begun);
    assert!(teller.due(begun + FIRST_AFTER, false).unwrap().starts_with("inner"));
    teller.end(inner);
    let later = begun + FIRST_AFTER + LINE_EVERY;
    let sooner = begun + LINE_EVERY;
    assert_eq!(teller.due(sooner, false), None);
    assert!(teller.due(later, false).unwrap().starts_with("outer"));
    teller.end(outer);
    assert_eq!(teller.due(later + LINE_EVERY, false), None);
}
