//! `--data FILE|-|JSON` and `--file FILE|-|JSON`.

use std::io::Read;

use serde_json::value::RawValue;

use crate::exit::CliError;

/// Reads JSON from the text itself (if it begins like an object), from standard input (`-`), or from a file. Its
/// bytes stay as they are: the server judges them.
pub(crate) async fn read(flag: &'static str, source: String) -> Result<Box<RawValue>, CliError> {
    // On a thread of its own: an input that never ends does not keep an interrupt from ending the command.
    tokio::task::spawn_blocking(move || read_now(flag, &source)).await.map_err(std::io::Error::other)?
}

fn read_now(flag: &str, source: &str) -> Result<Box<RawValue>, CliError> {
    let text = match source {
        "-" => std::io::read_to_string(limited(std::io::stdin()))
            .map_err(|error| CliError::usage(format!("standard input: {error}")))?,
        inline if inline.trim_start().starts_with('{') => inline.to_owned(),
        path => {
            let file =
                std::fs::File::open(path).map_err(|error| CliError::usage(format!("{path}: {error}")))?;
            std::io::read_to_string(limited(file))
                .map_err(|error| CliError::usage(format!("{path}: {error}")))?
        }
    };
    RawValue::from_string(text.trim().to_owned()).map_err(|error| {
        CliError::usage(format!("{flag} is no JSON: {error}"))
            .hint("write an object, such as '{\"id\":\"1\"}'")
    })
}

/// Far more than an envelope may hold: what is larger is refused by the server, but an endless input must end.
const DATA_MAX_BYTES: u64 = 16 * 1024 * 1024;

fn limited(source: impl Read) -> impl Read {
    source.take(DATA_MAX_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T1: the server canonicalises; the command line changes no byte.
    #[test]
    fn the_bytes_of_an_object_stay_as_they_are() {
        assert_eq!(read_now("--data", r#" {"a":1.0, "2":1e2} "#).unwrap().get(), r#"{"a":1.0, "2":1e2}"#);
    }

    #[test]
    fn a_file_is_read_and_what_is_no_json_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.json");
        std::fs::write(&path, "{\"id\":\"1\"}\n").unwrap();
        assert_eq!(read_now("--data", path.to_str().unwrap()).unwrap().get(), "{\"id\":\"1\"}");
        std::fs::write(&path, "nope").unwrap();
        assert!(read_now("--data", path.to_str().unwrap()).is_err());
        assert!(read_now("--data", "/does/not/exist").unwrap_err().message.contains("/does/not/exist"));
        assert!(read_now("--data", "{nope").is_err());
    }
}
