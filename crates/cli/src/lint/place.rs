//! The line of a field in a YAML text: walks to it and fails there on purpose.
//! An error of the parser is the only thing that says where a value stands.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The line, from 1, of the value at `path` in one document of a text, or of the nearest value
/// around it. Paths are written like `spec.strategy.steps[1].weight`.
pub(crate) fn line(text: &str, document: usize, path: &str) -> Option<usize> {
    let path = path.replace('[', ".").replace(']', "");
    let steps: Vec<&str> = path.split('.').collect();
    (1..=steps.len()).rev().find_map(|length| {
        let document = serde_yaml_ng::Deserializer::from_str(text).nth(document)?;
        let error = Walk { steps: &steps[..length] }.deserialize(document).err()?;
        error.location().map(|it| it.line())
    })
}

/// Visitor that follows a path through maps and lists.
struct Walk<'a> {
    steps: &'a [&'a str],
}

/// Visitor that fails at a value, whatever its type: the error has the place.
struct Here;

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        if self.steps.is_empty() {
            value.deserialize_any(Here)
        } else {
            value.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if self.steps.first() == Some(&key.as_str()) {
                map.next_value_seed(Walk { steps: &self.steps[1..] })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let wanted = self.steps.first().and_then(|it| it.parse::<usize>().ok());
        for index in 0_usize.. {
            let found = if Some(index) == wanted {
                list.next_element_seed(Walk { steps: &self.steps[1..] })?
            } else {
                list.next_element::<IgnoredAny>()?.map(|_| ())
            };
            if found.is_none() {
                break;
            }
        }
        Ok(())
    }
}

/// No type is expected, so every value is an error with its place.
impl Visitor<'_> for Here {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this place")
    }
}
