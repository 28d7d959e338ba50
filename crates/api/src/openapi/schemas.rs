//! The schemas of the shapes, gathered in one place.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Where a field is left out if it is not wanted: `null` is refused.
const NO_NULLS: [&str; 5] = ["Publish", "PublishBatch", "BatchEvent", "UpdateTeam", "UpdateWebhook"];

/// Where `null` means something there all the same: the server's own schedule, no filter, no limit.
const NULLS: [&str; 3] = ["retry_schedule", "filter", "rate_limit"];

/// Gathers every schema that was asked for.
pub(super) struct Schemas(SchemaGenerator);

impl Default for Schemas {
    fn default() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Self(settings.into_generator())
    }
}

impl Schemas {
    /// The schema of what is answered; a newer server may answer more.
    pub(super) fn answer<T: JsonSchema>(&mut self) -> Value {
        self.0.subschema_for::<T>().into()
    }

    /// The schema of what is sent: a field that nobody knows is refused.
    pub(super) fn request<T: JsonSchema>(&mut self) -> Value {
        let reference = self.answer::<T>();
        self.strictly(&T::schema_name());
        reference
    }

    fn strictly(&mut self, name: &str) {
        if let Some(schema) = self.0.definitions_mut().get_mut(name) {
            schema["additionalProperties"] = json!(false);
        }
    }

    /// All of them.
    pub(super) fn finish(mut self) -> Map<String, Value> {
        self.strictly("BatchEvent"); // stands within a request
        let mut all = self.0.take_definitions(true);
        for name in NO_NULLS {
            let fields = all.get_mut(name).and_then(|schema| schema["properties"].as_object_mut());
            let optional = fields.into_iter().flatten().filter(|(name, _)| !NULLS.contains(&name.as_str()));
            optional.for_each(|(_, field)| without_null(field));
        }
        all
    }
}

/// Takes `null`, which stands for absence in Rust, out of a field's values.
fn without_null(field: &mut Value) {
    if let Some(Value::Array(types)) = field.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = types.as_slice() {
            field["type"] = one.clone();
        }
    }
    if let Some(Value::Array(choices)) = field.get_mut("anyOf") {
        choices.retain(|one| one["type"] != "null");
        if let [one] = choices.as_slice() {
            let one = one.clone();
            let fields = field.as_object_mut().expect("a schema with choices is an object");
            fields.remove("anyOf");
            fields.extend(one.as_object().cloned().unwrap_or_default());
        }
    }
}
