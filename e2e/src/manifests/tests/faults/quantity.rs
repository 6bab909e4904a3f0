//! Amounts of resources, as Kubernetes writes them. Exact as far as `f64` is: only larger and smaller is asked.

use serde_json::Value;

/// Suffixes and what they stand for.
const SUFFIXES: [(&str, f64); 15] = [
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
];

/// The amount that a text or a number stands for.
pub(super) fn amount(value: &Value) -> Option<f64> {
    let Some(text) = value.as_str() else { return value.as_f64() };
    let suffix = SUFFIXES.iter().find_map(|it| Some((text.strip_suffix(it.0)?, it.1)));
    let (digits, times) = suffix.unwrap_or((text, 1.0));
    let is_number = digits.starts_with(|it: char| it.is_ascii_digit() || "+-.".contains(it));
    let number: f64 = digits.parse().ok().filter(|_| is_number)?;
    Some(number * times)
}

#[test]
fn quantities_are_compared_whatever_their_suffix() {
    let of = |text: &str| amount(&text.into());
    assert_eq!(of("1000m"), of("1"));
    assert_eq!(of("1e3"), of("1k"));
    assert!(of("128Mi") < of("0.5Gi"));
    assert_eq!(of("lots").or(of("")).or(of("inf")), None);
}
