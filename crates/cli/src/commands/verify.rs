//! `cstar verify`: whether a request is genuine, and what is wrong if it is not.

use std::io::Read;
use std::time::{SystemTime, UNIX_EPOCH};

use cstar_signature::header::{BODY_SIGNATURE, WEBHOOK_SIGNATURE};
use cstar_signature::{Headers, Secret, TOLERANCE_S, VerifyError, verify_body, verify_standard};
use reqwest::header::HeaderMap;
use serde::Serialize;

use crate::args::Verify;
use crate::exit::{CliError, Failure};
use crate::output::{BAD, GOOD, Output};

/// Where the secret stands for receivers, too.
const SECRET_VARIABLE: &str = "WEBHOOK_SECRET";

/// Far more than an envelope may hold; an endless input must end.
const BODY_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A request as it came, and what it is held against.
struct Request {
    secret: Secret,
    headers: HeaderMap,
    body: Vec<u8>,
    at_s: u64,
}

/// What came of one scheme, in JSON.
#[derive(Serialize)]
struct Check<'a> {
    header: &'a str,
    verified: bool,
    /// The stable name of the mistake.
    code: Option<&'a str>,
    detail: Option<String>,
}

/// Checks each signature that the request carries; at least one it must.
pub(crate) async fn run(arguments: Verify, output: Output) -> Result<(), CliError> {
    let secret = secret(arguments.secret, std::env::var(SECRET_VARIABLE).ok())?;
    let mut headers = HeaderMap::new();
    for (name, value) in arguments.headers {
        headers.append(name, value);
    }
    // On a thread of its own: an input that never ends does not keep an interrupt from ending the command.
    let body = tokio::task::spawn_blocking(move || read(&arguments.body)).await;
    let at_s = match arguments.at {
        Some(at) => u64::try_from(at.as_millis() / 1000).unwrap_or_default(),
        None => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
    };
    let request = Request { secret, headers, body: body.map_err(std::io::Error::other)??, at_s };
    let checks = request.checks();
    checks.iter().try_for_each(|(header, result)| tell(output, header, *result))?;
    match checks.iter().filter(|(_, result)| result.is_err()).count() {
        0 => Ok(()),
        failed => Err(request.not_verified(failed < checks.len())),
    }
}

impl Request {
    /// Each scheme that the request takes part in, and what came of it.
    fn checks(&self) -> Vec<(&'static str, Result<(), VerifyError>)> {
        let standard = self.headers.contains_key(WEBHOOK_SIGNATURE);
        let mut checks = Vec::new();
        if self.headers.contains_key(BODY_SIGNATURE) || !standard {
            checks.push((BODY_SIGNATURE, self.verify_body(&self.body)));
        }
        if standard {
            checks.push((WEBHOOK_SIGNATURE, self.verify_standard(&self.body)));
        }
        checks
    }

    fn verify_body(&self, body: &[u8]) -> Result<(), VerifyError> {
        verify_body(&self.secret, body, self.headers.get(BODY_SIGNATURE))
    }

    fn verify_standard(&self, body: &[u8]) -> Result<(), VerifyError> {
        let get = |name| self.headers.get(name).map(reqwest::header::HeaderValue::as_bytes);
        verify_standard(&self.secret, Headers::from_fn(get), body, self.at_s, TOLERANCE_S)
    }

    fn not_verified(&self, partly: bool) -> CliError {
        let error = CliError::new(Failure::NotDelivered, "the request does not verify");
        let without_break =
            self.body.strip_suffix(b"\n").map(|body| body.strip_suffix(b"\r").unwrap_or(body));
        if without_break
            .is_some_and(|body| self.verify_body(body).is_ok() || self.verify_standard(body).is_ok())
        {
            return error.hint("it does without the line break at the end of the body, which was not sent");
        }
        if partly {
            // T3
            return error.hint(
                "one signature matches: while a rotation's overlap is open, x-cstar-signature is made with the secret before",
            );
        }
        error
    }
}

fn tell(output: Output, header: &str, result: Result<(), VerifyError>) -> Result<(), CliError> {
    if output.json {
        let (code, detail) = match result {
            Ok(()) => (None, None),
            Err(error) => (Some(error.code()), Some(error.to_string())),
        };
        return output.thing(&Check { header, verified: result.is_ok(), code, detail });
    }
    output.line(&match result {
        Ok(()) => format!("{GOOD}verified{GOOD:#}  {header}"),
        Err(error) => format!("{BAD}wrong{BAD:#}     {header}: {error}"),
    })
}

fn secret(given: Option<String>, variable: Option<String>) -> Result<Secret, CliError> {
    let text = given.or(variable).filter(|text| !text.is_empty()).ok_or_else(|| {
        CliError::usage("no secret is known").hint(format!("set {SECRET_VARIABLE}, or give --secret"))
    })?;
    Secret::parse(&text).map_err(|error| CliError::usage(format!("the secret: {error}")))
}

fn read(source: &str) -> Result<Vec<u8>, CliError> {
    let mut body = Vec::new();
    let read = match source {
        "-" => std::io::stdin().take(BODY_MAX_BYTES).read_to_end(&mut body),
        path => std::fs::File::open(path).and_then(|file| file.take(BODY_MAX_BYTES).read_to_end(&mut body)),
    };
    let name = if source == "-" { "standard input" } else { source };
    read.map(|_| body).map_err(|error| CliError::usage(format!("{name}: {error}")))
}
