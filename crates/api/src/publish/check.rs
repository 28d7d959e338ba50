//! Events held against the caller and the catalog, and their envelopes.

use cstar_store::NewEvent;
use cstar_types::{Envelope, Event, EventId, EventType, Timestamp};
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
    pub(crate) envelope: Envelope,
    pub(crate) now: Timestamp,
    pub(crate) test: bool,
    pub(crate) envelope_max_bytes: usize,
}

impl Check<'_> {
    /// The events to append, which take the idempotency keys of the request with them.
    ///
    /// # Errors
    /// What is wrong with every event, up to a number; then the request is as it was.
    pub(crate) fn events(&self, request: &mut Request<'_>) -> ApiResult<Vec<NewEvent>> {
        let (mut events, mut errors) = (Vec::with_capacity(request.drafts.len()), Vec::new());
        for (place, draft) in request.drafts.iter().enumerate() {
            match self.event(request, place, draft) {
                Ok(event) => events.push(NewEvent { event, idempotency_key: None }),
                Err(found) => errors.extend(found),
            }
            if errors.len() >= FIELD_ERRORS_MAX {
                break;
            }
        }
        if !errors.is_empty() {
            return Err(ApiError::fields(errors));
        }
        for (new, draft) in events.iter_mut().zip(&mut request.drafts) {
            new.idempotency_key = draft.idempotency_key.take();
        }
        Ok(events)
    }

    /// The same events, held against nothing but the caller's patterns; `None` if one of them cannot be a repeat, for it has no
    /// idempotency key. What the catalog refuses today may have been stored when it was another.
    pub(crate) fn perhaps_repeated(&self, mut request: Request<'_>) -> Option<Vec<NewEvent>> {
        let drafts = std::mem::take(&mut request.drafts).into_iter();
        let repeat = |draft: Draft<'_>| {
            let event_type: EventType =
                draft.event_type.parse().ok().filter(|name| self.caller.sees(name))?;
            let event = self.envelope.around(self.id(), event_type, request.data(&draft));
            Some(NewEvent { event, idempotency_key: Some(draft.idempotency_key?) })
        };
        drafts.map(repeat).collect()
    }

    fn event(
        &self,
        request: &Request<'_>,
        place: usize,
        draft: &Draft<'_>,
    ) -> Result<Event, Vec<FieldError>> {
        let fault = |code, field: &str, detail: String| {
            vec![FieldError::new(code, request.pointer(place) + field, detail)]
        };
        let known = known(self.caller, self.catalog, &draft.event_type)
            .map_err(|(code, detail)| fault(code, "/type", detail))?;
        let data = request.data(draft);
        if !known.plainly_fits(data) {
            let faults = known.faults(data, &(request.pointer(place) + "/data"));
            if !faults.is_empty() {
                return Err(faults);
            }
        }
        let event = self.envelope.around(self.id(), known.event_type().clone(), data);
        if event.body.len() > self.envelope_max_bytes {
            let limit = self.envelope_max_bytes;
            return Err(fault(
                Code::TooLarge,
                "/data",
                format!("an envelope may have {limit} bytes; send less"),
            ));
        }
        Ok(event)
    }

    fn id(&self) -> EventId {
        EventId::from_uuid(self.ids.next(self.now), self.test)
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
