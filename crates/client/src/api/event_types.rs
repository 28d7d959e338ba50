//! The catalog.

use std::sync::Arc;

use cstar_types::EventType;
use cstar_wire::EventTypeEntry;

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
}
