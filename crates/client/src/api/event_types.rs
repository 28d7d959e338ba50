//! The catalog.

use std::sync::Arc;

use cstar_types::EventType;
use cstar_wire::{EventTypeEntry, PutEventType};

use crate::call::Call;
use crate::transport::Transport;
use crate::{Pages, Result};

/// The catalog of event types.
#[derive(Debug, Clone, Copy)]
pub struct EventTypes<'a> {
    pub(crate) transport: &'a Arc<Transport>,
}

impl EventTypes<'_> {
    /// Every type.
    #[must_use]
    pub fn list(&self) -> Pages<EventTypeEntry> {
        Pages::new(self.transport, Call::get(&[&"v1", &"event-types"]))
    }

    /// One type.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn get(&self, event_type: &EventType) -> Result<EventTypeEntry> {
        self.transport.fetch(&Call::get(&[&"v1", &"event-types", event_type])).await
    }

    /// Adds a type, or changes one that was added; this needs the platform key.
    ///
    /// # Errors
    /// See [`crate::Error`]; `conflict` if the type is built in.
    pub async fn put(&self, event_type: &EventType, put: &PutEventType) -> Result<EventTypeEntry> {
        self.transport.fetch(&Call::put(&[&"v1", &"event-types", event_type]).json(put)?).await
    }

    /// Deletes a type that was added: its events stay, and new ones are refused. This needs the platform key.
    ///
    /// # Errors
    /// See [`crate::Error`]; `conflict` if the type is built in.
    pub async fn delete(&self, event_type: &EventType) -> Result<()> {
        self.transport.send(&Call::delete(&[&"v1", &"event-types", event_type])).await.map(|_| ())
    }
}
