//! The data of an answer, read series by series: a number, and of its labels those that are asked for.
//! A map of all labels of 40,000 series would take fifteen times what is kept here.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::error::Fault;

/// Labels that are kept beside the pod's: buckets, topics, and what tells containers apart.
const KEPT: [&str; 4] = ["le", "topic", "container", "id"];

/// What was answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    /// One number.
    Scalar(f64),
    /// A number for each series.
    Vector(Vec<SeriesValue>),
}

impl Data {
    /// Whether it is a vector without series.
    pub(crate) const fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(_) => false,
            Self::Vector(series) => series.is_empty(),
        }
    }
}

/// One series: its number, and what of its labels is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SeriesValue {
    pub(crate) pod: Option<Arc<str>>,
    kept: [Option<Arc<str>>; KEPT.len()],
    pub(crate) value: f64,
}

/// Bounds on a vector, and the label that names a pod in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VectorBounds<'a> {
    pub(crate) pod: &'a str,
    pub(crate) series: usize,
}

/// Reads the result of a vector.
///
/// # Errors
/// [`Fault::TooLarge`] with the first series too many, [`Fault::Unsupported`] with the first native
/// histogram, [`Fault::Malformed`] otherwise: no more is read.
pub(crate) fn read_vector(
    result: &str,
    bounds: VectorBounds<'_>,
) -> Result<Vec<SeriesValue>, Fault> {
    let mut keeping = Keeping { bounds, names: HashSet::new(), refused: None };
    let mut json = serde_json::Deserializer::from_str(result);
    let read =
        VectorSeed(&mut keeping).deserialize(&mut json).and_then(|it| json.end().map(|()| it));
    read.map_err(|error| {
        let malformed = || Fault::malformed(format!("its series: {error}"));
        keeping.refused.take().unwrap_or_else(malformed)
    })
}

/// Reads the result of a scalar.
pub(crate) fn read_scalar(result: &str) -> Result<f64, Fault> {
    let Sample(_, value) = serde_json::from_str(result)
        .map_err(|error| Fault::malformed(format!("its scalar: {error}")))?;
    number(&value.0).ok_or_else(|| Fault::malformed("its scalar is no number"))
}

impl SeriesValue {
    /// Upper edge of a bucket.
    pub(crate) fn edge(&self) -> Option<&str> {
        self.label("le")
    }

    /// The value of a label that is kept.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        let place = KEPT.iter().position(|it| *it == name)?;
        self.kept[place].as_deref()
    }

    fn keep(&mut self, place: usize, value: Arc<str>) {
        self.kept[place] = Some(value);
    }
}

/// What is known while a vector is read.
struct Keeping<'a> {
    bounds: VectorBounds<'a>,
    /// Values of labels, each held once.
    names: HashSet<Arc<str>>,
    refused: Option<Fault>,
}

impl Keeping<'_> {
    fn name(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.names.get(text) {
            return Arc::clone(known);
        }
        let name: Arc<str> = text.into();
        self.names.insert(Arc::clone(&name));
        name
    }
}

/// A text as it stands in the answer, where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A time, which all series of an answer have in common, and a number as a text.
#[derive(Deserialize)]
struct Sample<'a>(IgnoredAny, #[serde(borrow)] Text<'a>);

struct VectorSeed<'k, 'a>(&'k mut Keeping<'a>);

struct SeriesSeed<'k, 'a>(&'k mut Keeping<'a>);

struct LabelsSeed<'k, 'a> {
    keeping: &'k mut Keeping<'a>,
    series: &'k mut SeriesValue,
}

impl<'de> DeserializeSeed<'de> for VectorSeed<'_, '_> {
    type Value = Vec<SeriesValue>;

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for VectorSeed<'_, '_> {
    type Value = Vec<SeriesValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of series")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let Self(keeping) = self;
        let mut all = Vec::new();
        while let Some(series) = list.next_element_seed(SeriesSeed(keeping))? {
            if all.len() == keeping.bounds.series {
                let limit = keeping.bounds.series;
                keeping.refused = Some(Fault::TooLarge { limit, unit: "series" });
                return Err(A::Error::custom("too many series"));
            }
            all.push(series);
        }
        Ok(all)
    }
}

impl<'de> DeserializeSeed<'de> for SeriesSeed<'_, '_> {
    type Value = SeriesValue;

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SeriesSeed<'_, '_> {
    type Value = SeriesValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a series")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let Self(keeping) = self;
        let (mut series, mut value) = (SeriesValue::default(), None);
        while let Some(Text(field)) = fields.next_key()? {
            match &*field {
                "metric" => {
                    let series = &mut series;
                    fields.next_value_seed(LabelsSeed { keeping: &mut *keeping, series })?;
                }
                "value" => {
                    let Sample(_, text) = fields.next_value()?;
                    value = number(&text.0);
                }
                "histogram" => {
                    keeping.refused = Some(native_histogram());
                    return Err(A::Error::custom("a native histogram"));
                }
                _ => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        series.value = value.ok_or_else(|| A::Error::custom("a series without a number"))?;
        Ok(series)
    }
}

impl<'de> DeserializeSeed<'de> for LabelsSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for LabelsSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut labels: A) -> Result<(), A::Error> {
        let Self { keeping, series } = self;
        while let Some(Text(label)) = labels.next_key()? {
            let place = KEPT.iter().position(|it| *it == label);
            let is_pod = label == keeping.bounds.pod;
            if place.is_none() && !is_pod {
                labels.next_value::<IgnoredAny>()?;
                continue;
            }
            let Text(value) = labels.next_value()?;
            let value = keeping.name(&value);
            if is_pod {
                series.pod = Some(Arc::clone(&value)).filter(|it| !it.is_empty());
            }
            if let Some(place) = place {
                series.keep(place, value);
            }
        }
        Ok(())
    }
}

/// A number as Prometheus writes it: `1e-3`, `NaN`, `+Inf`.
fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

fn native_histogram() -> Fault {
    Fault::Unsupported {
        found: "a native histogram",
        remedy: "export a classic histogram (series with `_bucket` and `le`) as well",
    }
}

#[cfg(test)]
mod tests;
