//! One operation: a method at a path, and everything that a client is told of it.

use cstar_types::Scope;
use cstar_wire::Code;
use http::Method;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::examples;
use super::schemas::Schemas;

/// The groups of the reference, in its order.
pub(super) const TAGS: [(&str, &str); 12] = [
    ("Events", "Publishing, and the log of what was published."),
    ("Webhooks", "Endpoints that get each event that matches, signed."),
    ("Deliveries", "The webhook logs: every attempt, and its answer."),
    ("Operations", "Long work that goes on after its answer, also over a restart."),
    ("Realtime", "The live stream."),
    ("Event types", "The catalog of what can be published."),
    ("Keys", "What opens a team's paths."),
    ("Settings page", "Links that let somebody in, and the sessions that begin with them."),
    ("Teams", "For the platform key alone."),
    ("Notices", "What the server tells its operator by itself."),
    ("Audit", "Who changed what, when, and from where."),
    ("Service", "How the server is, and what its refusals mean."),
];

/// Who may do it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Needs {
    Nothing,
    AnyKey,
    Scope(Scope),
    Platform,
}

/// The schema of a shape.
pub(super) type Shape = fn(&mut Schemas) -> Value;

/// A query parameter or a header: where it stands, its name, what it means, its values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) Shape,
);

/// An answer: its status, what it means, its body's media type and shape.
type Answer = (u16, &'static str, Option<(&'static str, Shape)>);

#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// Its name in clients that are made from the description.
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    needs: Needs,
    parameters: Vec<Parameter>,
    body: Option<Shape>,
    answers: Vec<Answer>,
    refusals: Vec<Code>,
    takes_token_in_url: bool,
}

/// Begins an operation.
pub(super) fn op(
    method: Method,
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    needs: Needs,
) -> Operation {
    Operation {
        method,
        path,
        id,
        tag,
        summary,
        needs,
        parameters: Vec::new(),
        body: None,
        answers: Vec::new(),
        refusals: Vec::new(),
        takes_token_in_url: false,
    }
}

impl Operation {
    pub(super) fn taking(mut self, parameters: &[Parameter]) -> Self {
        self.parameters.extend_from_slice(parameters);
        self
    }

    pub(super) fn body<T: JsonSchema>(self) -> Self {
        self.body_of(Schemas::request::<T>)
    }

    pub(super) fn body_of(mut self, shape: Shape) -> Self {
        self.body = Some(shape);
        self
    }

    pub(super) fn answers<T: JsonSchema>(self, status: u16, meaning: &'static str) -> Self {
        self.answers_as(status, meaning, "application/json", Schemas::answer::<T>)
    }

    pub(super) fn answers_as(
        mut self,
        status: u16,
        meaning: &'static str,
        media_type: &'static str,
        shape: Shape,
    ) -> Self {
        self.answers.push((status, meaning, Some((media_type, shape))));
        self
    }

    pub(super) fn answers_nothing(mut self) -> Self {
        self.answers.push((204, "It is done.", None));
        self
    }

    /// A realtime token may stand in the URL in place of a key in the header.
    pub(super) fn or_token_in_url(mut self) -> Self {
        self.takes_token_in_url = true;
        self
    }

    /// Refusals that are its own, beside those that its form makes possible.
    pub(super) fn refuses(mut self, codes: &[Code]) -> Self {
        self.refusals.extend_from_slice(codes);
        self
    }

    pub(super) fn describe(&self, schemas: &mut Schemas) -> Value {
        let mut described = json!({
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "responses": self.responses(schemas),
        });
        let of_path = path_parameters(self.path).map(path_parameter);
        let given = self.parameters.iter().map(|Parameter(place, name, meaning, shape)| {
            json!({"in": place, "name": name, "description": meaning, "required": false, "schema": shape(schemas)})
        });
        let parameters: Vec<Value> = of_path.chain(given).collect();
        if !parameters.is_empty() {
            described["parameters"] = parameters.into();
        }
        if let Some(shape) = self.body {
            let content = json!({"application/json": {"schema": shape(schemas)}});
            described["requestBody"] = json!({"required": true, "content": content});
        }
        if self.takes_token_in_url {
            described["security"] = json!([{"key": []}, {"token": []}]);
        }
        match self.needs {
            Needs::Nothing => described["security"] = json!([]),
            Needs::AnyKey => {}
            Needs::Scope(scope) => described["description"] = format!("Needs the scope `{scope}`.").into(),
            Needs::Platform => described["description"] = "Takes the platform key alone.".into(),
        }
        examples::add(self.id, &mut described);
        described
    }

    fn responses(&self, schemas: &mut Schemas) -> Value {
        let mut responses = Map::new();
        for (status, meaning, content) in &self.answers {
            let response =
                responses.entry(status.to_string()).or_insert_with(|| json!({"description": meaning}));
            if let Some((media_type, shape)) = content {
                response["content"][*media_type] = json!({"schema": shape(schemas)});
            }
        }
        let mut refusals = self.refusals();
        refusals.sort_unstable();
        refusals.dedup();
        for of_status in refusals.chunk_by(|one, next| one.status() == next.status()) {
            let codes: Vec<String> = of_status.iter().map(|code| format!("`{code}`")).collect();
            let refusal = json!({
                "description": codes.join(", "),
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            });
            responses.insert(of_status[0].status().to_string(), refusal);
        }
        responses.into()
    }

    /// What the form of the operation makes possible, and what it says of itself.
    fn refusals(&self) -> Vec<Code> {
        use Code::{
            BadQuery, CrossOrigin, InvalidField, KeyRevoked, MalformedHeader, MalformedJson, MissingScope,
            NotAcceptable, NotFound, OutcomeUnknown, QueueFull, RateLimited, ShuttingDown, StorageFull,
            TokenExpired, TooLarge, Unauthenticated, UnsupportedMediaType, WrongHost, WrongNode, WrongTeam,
        };
        let mut codes = vec![WrongHost];
        if !matches!(self.path, "/healthz" | "/readyz" | "/metrics") {
            codes.push(WrongNode);
        }
        if matches!(self.needs, Needs::Nothing) {
            return [codes, self.refusals.clone()].concat();
        }
        codes.extend([
            BadQuery,
            MalformedHeader,
            Unauthenticated,
            KeyRevoked,
            TokenExpired,
            MissingScope,
            NotAcceptable,
        ]);
        codes.extend([ShuttingDown, QueueFull]);
        if self.path.contains("{team}") {
            codes.extend([WrongTeam, NotFound, RateLimited]);
        }
        if self.method != Method::GET {
            codes.extend([OutcomeUnknown, StorageFull, CrossOrigin]);
        }
        if self.body.is_some() {
            codes.extend([MalformedJson, UnsupportedMediaType, TooLarge, InvalidField]);
        }
        [codes, self.refusals.clone()].concat()
    }
}

fn path_parameters(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn path_parameter(name: &str) -> Value {
    let schema = match name {
        "team" => json!({"type": "string", "format": "uuid"}),
        _ => json!({"type": "string", "minLength": 1}),
    };
    json!({"in": "path", "name": name, "required": true, "schema": schema})
}
