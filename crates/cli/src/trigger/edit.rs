//! `--set path=value`: changes of the example's data.

use serde_json::value::{RawValue, to_raw_value};

use super::tree::Tree;

/// One `--set`.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    path: Vec<String>,
    value: Box<RawValue>,
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
        let value = RawValue::from_string(value.to_owned()).or_else(|_| to_raw_value(value));
        Ok(Self { path, value: value.map_err(|error| error.to_string())? })
    }

    /// Changes `data`. A path that is not there is refused, unless `add` says that it should come to be: a misspelt
    /// path must never be ignored.
    pub(crate) fn apply(&self, data: &mut Tree, add: bool) -> Result<(), String> {
        let mut place = data;
        for (depth, segment) in self.path.iter().enumerate() {
            place.open().map_err(|error| error.to_string())?;
            let here = names(place);
            place = step(place, segment, add).ok_or_else(|| {
                let so_far = self.path[..=depth].join(".");
                match add {
                    false => format!("the data has no `{so_far}`{here}; give --add to add it"),
                    true => format!(
                        "`{so_far}` cannot be added: what holds it is no object, or it lies past a list's end"
                    ),
                }
            })?;
        }
        *place = self.value.clone().into();
        Ok(())
    }
}

/// What could have been meant.
fn names(place: &Tree) -> String {
    match place {
        Tree::Object(fields) if !fields.is_empty() => {
            let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
            format!(" (there: {})", names.join(", "))
        }
        _ => String::new(),
    }
}

fn step<'a>(place: &'a mut Tree, segment: &str, add: bool) -> Option<&'a mut Tree> {
    if add && place.is_null() {
        *place = Tree::Object(Vec::new());
    }
    match place {
        Tree::Whole(_) => None,
        Tree::List(values) => {
            let index: usize = segment.parse().ok()?;
            if add && index == values.len() {
                values.push(Tree::null());
            }
            values.get_mut(index)
        }
        Tree::Object(fields) => {
            let index = fields.iter().position(|(name, _)| name == segment);
            let index = match index {
                Some(index) => index,
                None if add => {
                    fields.push((segment.to_owned(), Tree::null()));
                    fields.len() - 1
                }
                None => return None,
            };
            Some(&mut fields[index].1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str, add: bool) -> Result<String, String> {
        let data = r#"{"id": "1", "ticket": {"title": "old", "n": 1.0}, "tags": ["a"]}"#;
        let mut data = Tree::from(RawValue::from_string(data.to_owned()).unwrap());
        Edit::parse(text)?.apply(&mut data, add)?;
        Ok(data.into_raw().unwrap().get().to_owned())
    }

    #[track_caller]
    fn check(text: &str, add: bool, expected: &str) {
        assert_eq!(edited(text, add).unwrap(), expected, "{text}");
    }

    #[test]
    fn a_path_that_is_there_is_set_and_nothing_else_changes() {
        let rest = r#""tags":["a"]"#;
        let ticket = r#""ticket":{"title": "old", "n": 1.0}"#;
        check(
            "ticket.title=new",
            false,
            &format!(r#"{{"id":"1","ticket":{{"title":"new","n":1.0}},{rest}}}"#),
        );
        check("id=7", false, &format!(r#"{{"id":7,{ticket},{rest}}}"#));
        check("id=\"7\"", false, &format!(r#"{{"id":"7",{ticket},{rest}}}"#));
        check("id=", false, &format!(r#"{{"id":"",{ticket},{rest}}}"#));
        check("tags.0=b=c", false, &format!(r#"{{"id":"1",{ticket},"tags":["b=c"]}}"#));
        check("ticket={\"a\":[1]}", false, &format!(r#"{{"id":"1","ticket":{{"a":[1]}},{rest}}}"#));
    }

    #[test]
    fn a_path_that_is_not_there_needs_add_and_is_never_ignored() {
        for text in ["tikcet.title=x", "ticket.titel=x", "tags.1=x", "id.deep=x"] {
            let error = edited(text, false).unwrap_err();
            assert!(error.contains("--add"), "{error}");
        }
        let error = edited("ticket.titel=x", false).unwrap_err();
        assert_eq!(error, "the data has no `ticket.titel` (there: title, n); give --add to add it");
        assert!(edited("ticket.owner.name=x", true).unwrap().contains(r#""owner":{"name":"x"}}"#));
        assert!(edited("tags.1=x", true).unwrap().contains(r#""tags":["a","x"]"#));
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
