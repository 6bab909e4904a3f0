//! What the lexer makes of strings, comments and characters.
//! Tests of the lexer alone.

use super::{CommentKind, TokenKind, lex};

fn words(text: &str) -> Vec<&str> {
    lex(text)
        .tokens
        .iter()
        .filter(|token| token.kind == TokenKind::Word)
        .map(|token| token.text)
        .collect()
}

#[test]
fn code_in_strings_and_comments_is_no_code() {
    assert_eq!(words(r#"let a = "use b;"; // use c;"#), ["let", "a"]);
    assert_eq!(words("a /* b /* c */ d */ e"), ["a", "e"]);
    assert_eq!(words("x(r#\"use \" b\"#, br\"c\", b\"d\\\"e\") f"), ["x", "f"]);
}

#[test]
fn characters_are_told_from_lifetimes() {
    let kinds = |text| lex(text).tokens.iter().map(|token| token.kind).collect::<Vec<_>>();
    assert_eq!(
        kinds("'a' '\\'' '\u{e9}' b'x'").iter().filter(|kind| **kind == TokenKind::Literal).count(),
        4
    );
    assert_eq!(kinds("'a 'static")[..], [TokenKind::Lifetime, TokenKind::Lifetime]);
}

#[test]
fn lines_are_counted_through_strings_and_comments() {
    let lexed = lex("/* 1\n2 */\n\"3\n4\" a\n//! b\n/// c\n// d");
    assert_eq!(lexed.tokens.iter().map(|token| token.line).collect::<Vec<_>>(), [3, 4]);
    let comments: Vec<_> =
        lexed.comments.iter().map(|comment| (comment.line, comment.kind, comment.text)).collect();
    assert_eq!(
        comments[2..],
        [(5, CommentKind::File, "b"), (6, CommentKind::Item, "c"), (7, CommentKind::Plain, "d")]
    );
}

#[test]
fn numbers_methods_and_ranges_keep_apart() {
    let texts = |text| lex(text).tokens.iter().map(|token| token.text).collect::<Vec<_>>();
    assert_eq!(
        texts("1.5e3 + 2.max(3) 0..4"),
        ["1.5e3", "+", "2", ".", "max", "(", "3", ")", "0", ".", ".", "4"]
    );
    assert_eq!(texts("r#type::x"), ["type", "::", "x"]);
}
