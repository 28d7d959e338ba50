//! The schemas of the shapes, gathered in one place.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

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
        if let Some(schema) = self.0.definitions_mut().get_mut(&*T::schema_name()) {
            schema["additionalProperties"] = json!(false);
        }
        reference
    }

    /// All of them.
    pub(super) fn finish(mut self) -> Map<String, Value> {
        self.0.take_definitions(true)
    }
}
