//! Events held against the caller and the catalog, and their envelopes.

use cstar_store::NewEvent;
use cstar_types::{Event, EventId, EventType, TeamId, Timestamp};
use cstar_wire::{Code, FieldError};

use super::Request;
use super::read::Draft;
use crate::auth::Caller;
use crate::catalog::{Catalog, Found};
use crate::error::{ApiError, ApiResult, FIELD_ERRORS_MAX};
use crate::ids::Ids;

/// Checks the events of one publish and builds them.
pub(crate) struct Check<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) catalog: &'a Catalog,
    pub(crate) ids: &'a Ids,
    pub(crate) team: TeamId,
    pub(crate) now: Timestamp,
    pub(crate) test: bool,
    pub(crate) envelope_max_bytes: usize,
}

impl Check<'_> {
    /// The events to append.
    ///
    /// # Errors
    /// What is wrong with every event, up to a number.
    pub(crate) fn events(&self, mut request: Request) -> ApiResult<Vec<NewEvent>> {
        let (mut events, mut errors) = (Vec::with_capacity(request.drafts.len()), Vec::new());
        let drafts = std::mem::take(&mut request.drafts);
        for (place, draft) in drafts.into_iter().enumerate() {
            match self.event(&request, place, draft) {
                Ok(event) => events.push(event),
                Err(found) => errors.extend(found),
            }
            if errors.len() >= FIELD_ERRORS_MAX {
                break;
            }
        }
        if errors.is_empty() { Ok(events) } else { Err(ApiError::fields(errors)) }
    }

    fn event(&self, request: &Request, place: usize, draft: Draft) -> Result<NewEvent, Vec<FieldError>> {
        let fault = |code, field: &str, detail: String| {
            vec![FieldError::new(code, request.pointer(place) + field, detail)]
        };
        let known = known(self.caller, self.catalog, &draft.event_type)
            .map_err(|(code, detail)| fault(code, "/type", detail))?;
        let data = request.data(&draft);
        let faults = known.faults(data, &(request.pointer(place) + "/data"));
        if !faults.is_empty() {
            return Err(faults);
        }
        let id = EventId::from_uuid(self.ids.next(self.now), self.test);
        let event = Event::new(id, known.event_type().clone(), self.team, self.now, data);
        if event.body.len() > self.envelope_max_bytes {
            let limit = self.envelope_max_bytes;
            return Err(fault(
                Code::TooLarge,
                "/data",
                format!("an envelope may have {limit} bytes; send less"),
            ));
        }
        Ok(NewEvent { event, idempotency_key: draft.idempotency_key })
    }
}

/// The type of this name, if the caller may publish it.
///
/// SEC-2: a key publishes what it sees. That is looked at first, so that the rest of the catalog's types are no matter to
/// it.
pub(crate) fn known(caller: &Caller, catalog: &Catalog, name: &str) -> Result<Found, (Code, String)> {
    let known = catalog.find(name);
    let parsed =
        known.as_ref().map(|known| known.event_type().clone()).or_else(|| name.parse::<EventType>().ok());
    if parsed.is_some_and(|event_type| !caller.sees(&event_type)) {
        return Err((Code::OutsidePatterns, "the key's patterns do not match this type".to_owned()));
    }
    known.ok_or_else(|| (Code::UnknownEventType, catalog.unknown(name)))
}
