//! Trace text: noise, the example with pieces cut out, doubled and overwritten, and wild numbers.
//! Every text follows from its seed alone.

use siskin_simulation::random::Random;

const EXAMPLE: &str = include_str!("../../../../trace/tests/trace/golden/example.jsonl");
/// What stands in for a piece of a line: values that JSON allows and a trace doesn't, and others.
const PIECES: [&str; 24] = [
    "null",
    "-1",
    "0",
    "1e999",
    "-1e999",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1e-320",
    "NaN",
    "Infinity",
    "\"\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "[]",
    "{}",
    "[[[[",
    "}}}}",
    "true",
    "\n",
    "\r\n",
    ",",
    "\u{feff}",
    "{\"at\":1,\"pods\":[]}\n",
];

/// The text of a seed.
pub fn of(seed: u64) -> Vec<u8> {
    let mut random = Random::spread(seed);
    if random.index(10) == 0 {
        let length = random.index(200);
        return (0..length).map(|_| random.bits().to_le_bytes()[0]).collect();
    }
    let mut text = EXAMPLE.as_bytes().to_vec();
    for _ in 0..=random.index(4) {
        bend(&mut text, &mut random);
    }
    text
}

fn bend(text: &mut Vec<u8>, random: &mut Random) {
    let from = random.index(text.len() + 1);
    let to = (from + random.index(40)).min(text.len());
    match random.index(6) {
        0 => drop(text.drain(from..to)),
        1 => text.truncate(from),
        2 => {
            let again = text[from..to].to_vec();
            text.splice(from..from, again);
        }
        3 => {
            let byte = random.bits().to_le_bytes()[0];
            text[from..to].iter_mut().take(1).for_each(|it| *it = byte);
        }
        4 => {
            let (begin, end) = value(text, from);
            let piece = PIECES[random.index(PIECES.len())];
            text.splice(begin..end, piece.bytes());
        }
        _ => {
            let piece = PIECES[random.index(PIECES.len())];
            text.splice(from..to, piece.bytes());
        }
    }
}

/// The value after the next colon: up to the comma or bracket behind it.
fn value(text: &[u8], from: usize) -> (usize, usize) {
    let colon = text[from..].iter().position(|byte| *byte == b':');
    let begin = colon.map_or(text.len(), |at| from + at + 1);
    let end = text[begin..].iter().position(|byte| b",}]\n".contains(byte));
    (begin, end.map_or(text.len(), |at| begin + at))
}
