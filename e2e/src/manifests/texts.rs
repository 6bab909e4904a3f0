//! Texts and quantities that one encoder or another writes in its own way.
//! What a field asks for, `words` knows.

use serde_json::{Value, json};

use super::dice::Dice;

/// What JSON, Go's encoder, YAML or a shell escapes, ends or counts differently.
const AWKWARD: [&str; 25] = [
    "",
    "set -e && if [ $# -lt 1 ]; then exec 2>&1 >/dev/null; fi; cat <<EOT | sed 's/&/\\&/'",
    "a < b && b > c & wait",
    "\"quoted\" and 'quoted' and `quoted`",
    "back\\slash \\n \\u003c \\\\u003e",
    "line\nline\r\n\ttab",
    "\u{8}\u{c}\u{b}\u{1}\u{1f}",
    "\u{2028}and\u{2029}",
    "\u{7f}\u{80}\u{9f}",
    "é ü ß 語 \u{202e}right to left\u{202c}",
    "😀👩‍👩‍👧‍👦 \u{10ffff}",
    "\u{feff}byte order mark, \u{fffd}, \u{fffe}",
    "e\u{301} is not é",
    "{{ .Values.x | quote }} $(POD_NAME) $$(ESCAPED) ${HOME}",
    "{\"json\": [1, 2.0, 1e3, null], \"<\": \"&\"}",
    "- yaml: &anchor\n  other: *anchor\n  null: ~\n",
    "</script><!-- &amp; -->",
    "1e3",
    "0x1F",
    "9007199254740993",
    "true",
    "null",
    "~",
    " ",
    "%20%3C+&a=b",
];

/// Characters that some encoder escapes, drops or replaces, or that some order puts elsewhere; both ends included.
const SIGNIFICANT: [(char, char); 20] = [
    // JSON escapes these, or may.
    ('\0', '\u{1f}'),
    ('"', '"'),
    ('/', '/'),
    ('\\', '\\'),
    // Go escapes these in JSON, and all but Go do not.
    ('&', '&'),
    ('<', '<'),
    ('>', '>'),
    ('\u{2028}', '\u{2029}'),
    // Shells, YAML and HTML have a meaning for these.
    ('\'', '\''),
    ('`', '`'),
    ('\u{7f}', '\u{a0}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    // The ends of what UTF-16 writes as one unit, and as two.
    ('\u{d7ff}', '\u{d7ff}'),
    ('\u{e000}', '\u{e000}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{fff9}', '\u{ffff}'),
    ('\u{10000}', '\u{10000}'),
    ('\u{10ffff}', '\u{10ffff}'),
];

/// Quantities, most of which the API server writes in another way.
const QUANTITIES: [&str; 12] = [
    "1", "1000m", "0.5", "500m", "128Mi", "131072Ki", "1e3", "1500M", "1.5G", "2048", "0.25Gi",
    "12E",
];

/// Bytes of a text that is large.
const LARGE: usize = 600_000;

/// Some text, whatever the encoders make of it.
pub(super) fn any(dice: &mut Dice) -> String {
    if dice.percent(30) {
        let all: Vec<_> = significant().collect();
        let one = dice.pick(&all);
        return format!("{one}a{one}{}", dice.pick(&all));
    }
    let first = (*dice.pick(&AWKWARD)).to_owned();
    if dice.percent(20) { first + dice.pick::<&str>(&AWKWARD) } else { first }
}

/// Every character that is significant.
pub(super) fn significant() -> impl Iterator<Item = char> {
    SIGNIFICANT.iter().flat_map(|it| it.0..=it.1)
}

/// Makes a pod template of some hundred kilobytes: in one text, or in thousands of small entries.
pub(super) fn blow_up(template: &mut Value, dice: &mut Dice) {
    let container = &mut template["spec"]["containers"][0];
    match dice.below(3) {
        0 => container["args"] = json!([large(dice)]),
        1 => {
            let entry = |number: usize| json!({"name": format!("N{number}"), "value": any(dice)});
            container["env"] = (0..4_000).map(entry).collect();
        }
        _ => {
            // All annotations of an object may have 256 KiB.
            let entry = |number: usize| (format!("example.com/n{number}"), json!(any(dice)));
            template["metadata"]["annotations"] = Value::Object((0..2_000).map(entry).collect());
        }
    }
}

/// A text of hundreds of kilobytes, with everything in it.
fn large(dice: &mut Dice) -> String {
    let mut text = String::with_capacity(LARGE);
    while text.len() < LARGE {
        text.push_str("plain words that nobody escapes, as most of a large script is; ");
        text.push_str(dice.pick::<&str>(&AWKWARD));
    }
    text
}

/// A quantity.
pub(super) fn quantity(dice: &mut Dice) -> Value {
    json!(dice.pick(&QUANTITIES))
}
