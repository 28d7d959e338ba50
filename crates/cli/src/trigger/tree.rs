//! JSON that is changed in places: what no change touches keeps its bytes, its order and its numbers (T1).

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A value, taken apart only along the way to a change.
#[derive(Debug)]
pub(crate) enum Tree {
    /// As it was written.
    Whole(Box<RawValue>),
    /// An object, in the order in which it was written.
    Object(Vec<(String, Tree)>),
    /// A list.
    List(Vec<Tree>),
}

impl Tree {
    pub(crate) fn null() -> Self {
        Self::Whole(RawValue::NULL.to_owned())
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Whole(raw) if raw.get() == "null")
    }

    /// Takes an object or a list apart, one level deep; anything else stays whole.
    pub(crate) fn open(&mut self) -> serde_json::Result<()> {
        let Self::Whole(raw) = self else { return Ok(()) };
        let opened = match raw.get().as_bytes().first() {
            Some(b'{') => {
                let Fields(fields) = serde_json::from_str(raw.get())?;
                Self::Object(fields.into_iter().map(|(name, value)| (name, Self::Whole(value))).collect())
            }
            Some(b'[') => {
                let values: Vec<Box<RawValue>> = serde_json::from_str(raw.get())?;
                Self::List(values.into_iter().map(Self::Whole).collect())
            }
            _ => return Ok(()),
        };
        *self = opened;
        Ok(())
    }

    /// Put together again.
    pub(crate) fn into_raw(self) -> serde_json::Result<Box<RawValue>> {
        match self {
            Self::Whole(raw) => Ok(raw),
            other => RawValue::from_string(other.to_string()),
        }
    }
}

impl From<Box<RawValue>> for Tree {
    fn from(raw: Box<RawValue>) -> Self {
        Self::Whole(raw)
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(raw) => f.write_str(raw.get()),
            Self::Object(fields) => {
                f.write_str("{")?;
                for (place, (name, value)) in fields.iter().enumerate() {
                    let comma = if place == 0 { "" } else { "," };
                    let name = serde_json::to_string(name).map_err(|_| fmt::Error)?;
                    write!(f, "{comma}{name}:{value}")?;
                }
                f.write_str("}")
            }
            Self::List(values) => {
                f.write_str("[")?;
                for (place, value) in values.iter().enumerate() {
                    let comma = if place == 0 { "" } else { "," };
                    write!(f, "{comma}{value}")?;
                }
                f.write_str("]")
            }
        }
    }
}

/// An object's fields as they stand: a map would sort them, or keep one of two with the same name.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_apart_is_put_together_as_it_was() {
        for text in
            [r#"{"b":1.0,"a":[1e2,{"é":"\u001f"}],"b":123456789012345678901234567890}"#, "[]", "{}", "7"]
        {
            let mut tree = Tree::from(RawValue::from_string(text.to_owned()).unwrap());
            tree.open().unwrap();
            if let Tree::Object(fields) = &mut tree {
                fields.iter_mut().for_each(|(_, value)| value.open().unwrap());
            }
            assert_eq!(tree.into_raw().unwrap().get(), text);
        }
    }
}
