//! The examples of RFC 8785, and what keys must tell apart.
//! The keys of pod templates are tested beside them.

use serde_json::json;
use siskin_simulation::random::Random;

use super::*;

/// RFC 8785, appendix B: IEEE 754 bits and the text that ECMAScript gives them.
const NUMBERS: [(u64, &str); 25] = [
    (0x0000_0000_0000_0000, "0"),
    (0x8000_0000_0000_0000, "0"),
    (0x0000_0000_0000_0001, "5e-324"),
    (0x8000_0000_0000_0001, "-5e-324"),
    (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
    (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
    (0x4340_0000_0000_0000, "9007199254740992"),
    (0xc340_0000_0000_0000, "-9007199254740992"),
    (0x4430_0000_0000_0000, "295147905179352830000"),
    (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
    (0x44b5_2d02_c7e1_4af6, "1e+23"),
    (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
    (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
    (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
    (0x444b_1ae4_d6e2_ef50, "1e+21"),
    (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
    (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
    (0x41b3_de43_5555_5553, "333333333.3333332"),
    (0x41b3_de43_5555_5554, "333333333.33333325"),
    (0x41b3_de43_5555_5555, "333333333.3333333"),
    (0x41b3_de43_5555_5556, "333333333.3333334"),
    (0x41b3_de43_5555_5557, "333333333.33333343"),
    (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    (0x3ff8_0000_0000_0000, "1.5"),
];

#[test]
fn numbers_are_written_as_the_rfc_says() {
    for (bits, text) in NUMBERS {
        assert_eq!(canonical(&json!(f64::from_bits(bits))), text);
    }
}

#[test]
fn the_examples_of_the_rfc_have_its_text() {
    let sample = json!({
        "numbers": [333_333_333.333_333_3, 1e30, 4.50, 2e-3, 0.000_000_000_000_000_000_000_000_001],
        "string": "\u{20ac}$\u{f}\u{a}A'\u{42}\u{22}\u{5c}\\\"/",
        "literals": [null, true, false],
    });
    let text = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
    assert_eq!(canonical(&sample), text);
    // Its section 3.2.3: names in the order of UTF-16 code units, a surrogate before U+FB33.
    let names = json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
    let order = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}";
    assert_eq!(canonical(&names), order);
}

#[test]
fn integers_keep_all_their_digits() {
    for (a, b) in [(1_u64 << 53, (1 << 53) + 1), (u64::MAX - 1, u64::MAX)] {
        assert_ne!(canonical(&json!(a)), canonical(&json!(b)));
    }
    assert_eq!(canonical(&json!(1.0)), canonical(&json!(1)), "one number, written twice");
    assert_eq!(canonical(&json!(i64::MIN)), i64::MIN.to_string());
}

/// Values as close to each other as can be: few names, few texts, structure in every place.
fn any(dice: &mut Random, depth: u32) -> Value {
    match dice.below(if depth == 0 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => json!(dice.one_in(2)),
        2 => json!(dice.below(3)),
        3 => json!(["", "a", ",", "]", "}{", "\"", "\\", "\u{2028}", "<"][dice.below(9) as usize]),
        4 => json!({}),
        5 => json!((0..dice.below(4)).map(|_| any(dice, depth - 1)).collect::<Vec<_>>()),
        _ => {
            let fields = (0..dice.below(4)).map(|_| {
                let name = ["a", "b", "a,b", "\"a\"", ""][dice.below(5) as usize];
                (name.to_owned(), any(dice, depth - 1))
            });
            Value::Object(fields.collect())
        }
    }
}

#[test]
fn equal_texts_are_equal_values() {
    let mut dice = Random::new(8785);
    let mut seen = std::collections::HashMap::new();
    for _ in 0..20_000 {
        let value = any(&mut dice, 3);
        let known = seen.entry(content_key(&value)).or_insert_with(|| value.clone());
        assert_eq!(*known, value, "one key");
        assert_eq!(serde_json::from_str::<Value>(&canonical(&value)).unwrap(), value);
    }
}
