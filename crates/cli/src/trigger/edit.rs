//! `--set path=value`: changes of the example's data.

use serde_json::Value;

/// One `--set`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Edit {
    path: Vec<String>,
    value: Value,
}

impl Edit {
    /// Reads `path=value`: segments separated by dots; the value is JSON if it reads as JSON, else a text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (path, value) =
            text.split_once('=').ok_or_else(|| format!("`{text}` has no `=`; write path=value"))?;
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(format!("`{text}` has an empty part in its path; write it as ticket.title=value"));
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        Ok(Self { path, value })
    }

    /// Changes `data`. A path that is not there is refused, unless `add` says that it should come to be: a misspelt
    /// path must never be ignored.
    pub(crate) fn apply(&self, data: &mut Value, add: bool) -> Result<(), String> {
        let mut place = data;
        for (depth, segment) in self.path.iter().enumerate() {
            let so_far = self.path[..=depth].join(".");
            place = step(place, segment, add).ok_or_else(|| match add {
                false => format!("the example has no `{so_far}`; give --add to add it"),
                true => format!(
                    "`{so_far}` cannot be added: what holds it is no object, or it lies past a list's end"
                ),
            })?;
        }
        *place = self.value.clone();
        Ok(())
    }
}

fn step<'a>(place: &'a mut Value, segment: &str, add: bool) -> Option<&'a mut Value> {
    if let Value::Array(list) = place {
        let index: usize = segment.parse().ok()?;
        if add && index == list.len() {
            list.push(Value::Null);
        }
        return list.get_mut(index);
    }
    if add && place.is_null() {
        *place = Value::Object(serde_json::Map::new());
    }
    let object = place.as_object_mut()?;
    if add && !object.contains_key(segment) {
        object.insert(segment.to_owned(), Value::Null);
    }
    object.get_mut(segment)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edited(text: &str, add: bool) -> Result<Value, String> {
        let mut data = json!({"id": "1", "ticket": {"title": "old"}, "tags": ["a"]});
        Edit::parse(text)?.apply(&mut data, add)?;
        Ok(data)
    }

    #[test]
    fn a_path_that_is_there_is_set() {
        assert_eq!(edited("ticket.title=new", false).unwrap()["ticket"]["title"], "new");
        assert_eq!(edited("id=7", false).unwrap()["id"], 7);
        assert_eq!(edited("id=\"7\"", false).unwrap()["id"], "7");
        assert_eq!(edited("tags.0=b=c", false).unwrap()["tags"][0], "b=c");
        assert_eq!(edited("ticket={\"a\":[1]}", false).unwrap()["ticket"], json!({"a": [1]}));
    }

    #[test]
    fn a_path_that_is_not_there_needs_add_and_is_never_ignored() {
        for text in ["tikcet.title=x", "ticket.titel=x", "tags.1=x", "id.deep=x"] {
            let error = edited(text, false).unwrap_err();
            assert!(error.contains("--add"), "{error}");
        }
        assert_eq!(edited("ticket.owner.name=x", true).unwrap()["ticket"]["owner"]["name"], "x");
        assert_eq!(edited("tags.1=x", true).unwrap()["tags"], json!(["a", "x"]));
        assert!(edited("id.deep=x", true).is_err());
        assert!(edited("tags.5=x", true).is_err());
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["title", "=x", "a..b=x", ".a=x"] {
            assert!(Edit::parse(text).is_err(), "{text}");
        }
    }
}
