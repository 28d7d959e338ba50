//! Wrong requests to a running server: each has one status and one code, and changes nothing.

mod bodies;
mod headers;
mod raw;
mod things;

use cstar_testkit::{Http, Team};
use hyper::Method;
use serde_json::Value;

use crate::{cstar, with_team};

/// One wrong request.
struct Case {
    name: String,
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
}

impl Case {
    /// A POST of JSON to a path below the team's.
    fn post(path: &str, name: &str, body: impl Into<Vec<u8>>, status: u16, code: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            method: Method::POST,
            path: path.to_owned(),
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.into(),
            status,
            code,
        }
    }

    /// A GET of a path below the team's.
    fn get(path: &str, status: u16, code: &'static str) -> Self {
        Self { method: Method::GET, headers: Vec::new(), ..Self::post(path, path, Vec::new(), status, code) }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// Sends it, and answers what was not as it should be.
    async fn problem(&self, http: &Http, team: &Team) -> Option<String> {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let path = team.path(&self.path);
        let answer = match http.send(self.method.clone(), &path, &headers, self.body.clone()).await {
            Ok(answer) => answer,
            Err(error) => return Some(format!("{}: {error}", self.name)),
        };
        let as_stated = answer.status == self.status && answer.code() == self.code;
        let stated = format!("{} {}", self.status, self.code);
        if !as_stated {
            return Some(format!("{}: wanted {stated}, got {answer}", self.name));
        }
        let media_type = answer.header("content-type");
        (media_type != "application/problem+json")
            .then(|| format!("{}: answered as {media_type:?}", self.name))
    }
}

/// What a wrong request must not change.
async fn state(team: &Team) -> Vec<Value> {
    let mut lists = Vec::new();
    for list in ["events?order=asc", "webhooks?", "deliveries?", "keys?"] {
        lists.extend(team.all::<Value>(list).await);
    }
    for row in lists.iter_mut().filter_map(Value::as_object_mut) {
        row.remove("last_used_at"); // that a key was used is no harm
    }
    lists
}

/// Sends every case to a server with one event in its log; each must be refused as stated, and the server be as before.
async fn check(cases: Vec<Case>) {
    let (_cstar, team) = with_team(cstar()).await;
    team.publish("ticket.created", &crate::ticket("before")).await;
    refused(&team.http, &team, &cases).await;
}

/// The same with a key of one's own.
async fn refused(http: &Http, team: &Team, cases: &[Case]) {
    let before = state(team).await;
    let mut problems = Vec::new();
    for case in cases {
        problems.extend(case.problem(http, team).await);
        if state(team).await != before {
            problems.push(format!("{}: it changed something", case.name));
            break;
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    team.publish("ticket.created", &crate::ticket("after")).await;
}
