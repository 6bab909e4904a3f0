//! What users write as text, a duration, a probability, a decimal: one parser, one print each.
//! Knows no field and no bound of a field: those are in the schema and in `validate`.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A length of time in whole seconds, written as Go and Kubernetes write it: `1h30m`, `10m`, `45s`,
/// `0s`.
///
/// Hours, minutes and seconds in this order, each at most once and of at most six digits, no days,
/// no fractions. Printed in the shortest form: `90m` becomes `1h30m`, `10m` stays `10m`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Duration {
    secs: u32,
}

/// A probability strictly between 0 and 1 in steps of one millionth, written as a decimal: `0.01`.
///
/// Text and not a number on the wire, because Kubernetes APIs carry no floating point. Exact, so
/// that it can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Probability {
    millionths: u32,
}

/// A decimal number in steps of one millionth, of at most twelve digits before the point: `0.5`,
/// `-3`, `250000000`.
///
/// Text and not a number on the wire, because Kubernetes APIs carry no floating point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal {
    millionths: i64,
}

/// Why a text is no [`Duration`], [`Probability`] or [`Decimal`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseUnitError {
    /// The text was to be read as a duration.
    #[error(
        "read {0:?} as a duration: want hours, minutes, seconds in this order, such as 1h30m or 45s"
    )]
    Duration(String),
    /// The text was to be read as a probability.
    #[error("read {0:?} as a probability: want a decimal between 0 and 1, such as 0.01")]
    Probability(String),
    /// The text was to be read as a decimal.
    #[error(
        "read {0:?} as a decimal: want at most 12 digits, and 6 after a point, such as 0.5 or -3"
    )]
    Decimal(String),
}

impl Duration {
    /// Pattern of a duration in the schema.
    pub const PATTERN: &str = "^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$";
    /// The longest duration, 999999h59m59s or 114 years: six digits of hours print no more.
    pub const MAX: Self = Self { secs: 3_599_999_999 };
    const MAX_DIGITS: usize = 6;

    /// A duration of this many seconds, but not more than [`Duration::MAX`].
    #[must_use]
    pub const fn from_secs(secs: u32) -> Self {
        if secs < Self::MAX.secs { Self { secs } } else { Self::MAX }
    }

    /// A duration of this many minutes, but not more than [`Duration::MAX`].
    #[must_use]
    pub const fn from_mins(mins: u32) -> Self {
        Self::from_secs(mins.saturating_mul(60))
    }

    /// A duration of this many hours, but not more than [`Duration::MAX`].
    #[must_use]
    pub const fn from_hours(hours: u32) -> Self {
        Self::from_secs(hours.saturating_mul(3600))
    }

    /// The duration in whole seconds.
    #[must_use]
    pub const fn as_secs(self) -> u32 {
        self.secs
    }

    /// The duration in milliseconds, as the clocks of the status count.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.secs as i64 * 1000
    }

    /// `times` this duration, but not more than [`Duration::MAX`].
    #[must_use]
    pub const fn saturating_mul(self, times: u32) -> Self {
        Self::from_secs(self.secs.saturating_mul(times))
    }

    /// This duration and `other`, but not more than [`Duration::MAX`].
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self::from_secs(self.secs.saturating_add(other.secs))
    }
}

impl FromStr for Duration {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParseUnitError::Duration(text.to_owned());
        let (hours, rest) = leading(text, 'h').ok_or_else(refuse)?;
        let (mins, rest) = leading(rest, 'm').ok_or_else(refuse)?;
        let (secs, rest) = leading(rest, 's').ok_or_else(refuse)?;
        // Six digits each come to less than 2^32 seconds.
        let secs = hours * 3600 + mins * 60 + secs;
        if text.is_empty() || !rest.is_empty() || Self::MAX.secs < secs {
            return Err(refuse());
        }
        Ok(Self { secs })
    }
}

/// Splits a text at `unit` into the number before it and the rest; 0 and the whole text if `unit`
/// does not occur; `None` if the number is malformed.
fn leading(text: &str, unit: char) -> Option<(u32, &str)> {
    let Some((digits, rest)) = text.split_once(unit) else { return Some((0, text)) };
    let well_formed = (1..=Duration::MAX_DIGITS).contains(&digits.len())
        && digits.bytes().all(|it| it.is_ascii_digit());
    if well_formed { Some((digits.parse().ok()?, rest)) } else { None }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, mins, secs) = (self.secs / 3600, self.secs / 60 % 60, self.secs % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if mins > 0 {
            write!(f, "{mins}m")?;
        }
        if secs > 0 || self.secs == 0 {
            write!(f, "{secs}s")?;
        }
        Ok(())
    }
}

impl Probability {
    /// Pattern of a probability in the schema.
    pub const PATTERN: &str = r"^0\.[0-9]{1,6}$";
    const ONE: u32 = 1_000_000;
    const DIGITS: usize = 6;

    /// A probability of this many millionths: `from_millionths(10_000)` is 0.01. `None` outside
    /// 1..=999 999.
    #[must_use]
    pub const fn from_millionths(millionths: u32) -> Option<Self> {
        if 0 < millionths && millionths < Self::ONE { Some(Self { millionths }) } else { None }
    }

    /// The probability as the nearest floating-point number, in (0, 1).
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.millionths) / f64::from(Self::ONE)
    }
}

impl FromStr for Probability {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("0.").filter(|it| {
            (1..=Self::DIGITS).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_digit())
        });
        digits
            .and_then(|it| format!("{it:0<width$}", width = Self::DIGITS).parse().ok())
            .and_then(Self::from_millionths)
            .ok_or_else(|| ParseUnitError::Probability(text.to_owned()))
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:06}", self.millionths);
        write!(f, "0.{}", digits.trim_end_matches('0'))
    }
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self { millionths: 0 };
    /// One: the whole that shares are parts of.
    pub const WHOLE: Self = Self { millionths: Self::ONE };
    /// Pattern of a decimal in the schema.
    pub const PATTERN: &str = r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$";
    const ONE: i64 = 1_000_000;
    const DIGITS: usize = 6;
    const MAX_WHOLE: usize = 12;

    /// The decimal as the nearest floating-point number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the nearest is meant")]
    pub fn as_f64(self) -> f64 {
        self.millionths as f64 / Self::ONE as f64
    }
}

impl FromStr for Decimal {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = |it: &str, most: usize| {
            let well_formed =
                (1..=most).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_digit());
            well_formed.then(|| it.parse::<i64>().ok()).flatten()
        };
        let (sign, rest) = text.strip_prefix('-').map_or((1, text), |it| (-1, it));
        let (whole, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
        let padded = format!("{fraction:0<width$}", width = Self::DIGITS);
        let well_formed = (1..=Self::DIGITS).contains(&fraction.len());
        digits(whole, Self::MAX_WHOLE)
            .zip(digits(&padded, Self::DIGITS).filter(|_| well_formed))
            .map(|(whole, fraction)| Self { millionths: sign * (whole * Self::ONE + fraction) })
            .ok_or_else(|| ParseUnitError::Decimal(text.to_owned()))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.millionths < 0 { "-" } else { "" };
        let (whole, fraction) =
            (self.millionths.abs() / Self::ONE, self.millionths.abs() % Self::ONE);
        write!(f, "{sign}{whole}")?;
        let digits = format!("{fraction:06}");
        match digits.trim_end_matches('0') {
            "" => Ok(()),
            digits => write!(f, ".{digits}"),
        }
    }
}

impl From<Duration> for SignedDuration {
    fn from(it: Duration) -> Self {
        Self::from_secs(i64::from(it.secs))
    }
}

impl TryFrom<String> for Duration {
    type Error = ParseUnitError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Duration> for String {
    fn from(it: Duration) -> Self {
        it.to_string()
    }
}

impl TryFrom<String> for Probability {
    type Error = ParseUnitError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Probability> for String {
    fn from(it: Probability) -> Self {
        it.to_string()
    }
}

impl TryFrom<String> for Decimal {
    type Error = ParseUnitError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Decimal> for String {
    fn from(it: Decimal) -> Self {
        it.to_string()
    }
}

impl JsonSchema for Decimal {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": 20, "pattern": Self::PATTERN})
    }
}

impl JsonSchema for Duration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    // minLength, because the pattern alone matches the empty text.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "minLength": 2, "maxLength": 21, "pattern": Self::PATTERN})
    }
}

impl JsonSchema for Probability {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Probability".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": 8, "pattern": Self::PATTERN})
    }
}
