//! One attempt, from what is due to what is reported.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use cstar_store::{AttemptReport, Due};
use cstar_traces::{Attempted, Traces};
use cstar_types::{Attempt, AttemptRequest, Clock, DeliveryId, FailureRule, Outcome, Timestamp, WebhookId};
use http::StatusCode;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::clock::SteadyClock;
use super::endpoints::Endpoints;
use crate::counts::Gauges;
use crate::endpoint::{Endpoint, Place};
use crate::outcome;
use crate::request::Outgoing;
use crate::retry;
use crate::sender::{Failure, Hand, Head, Route, Sender, Sent};
use crate::target::Asker;

/// How often it is said that the operator's proxy fails: every attempt meets it.
const PROXY_TOLD_EVERY: Duration = Duration::from_secs(30);

/// Makes attempts; shared by all that are in flight.
pub(crate) struct Attempts {
    pub(crate) endpoints: Endpoints,
    pub(crate) sender: Sender,
    pub(crate) attempt_timeout: Duration,
    /// Which webhooks are disabled because they only fail.
    pub(crate) failure_rule: FailureRule,
    /// For what is shown and signed.
    pub(crate) clock: Clock,
    /// For when the next attempt is due, and when an overlap of secrets ends.
    pub(crate) steady: Arc<SteadyClock>,
    pub(crate) gauges: Arc<Gauges>,
    /// When it was last said that the operator's proxy fails.
    pub(crate) proxy_told: Mutex<Option<Instant>>,
    pub(crate) traces: Option<Arc<Traces>>,
}

/// An attempt that is no longer in flight.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) webhook: WebhookId,
    pub(crate) delivery: DeliveryId,
    pub(crate) result: Result<Made, NotMade>,
}

/// An attempt that was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) report: AttemptReport,
    pub(crate) took: Duration,
    /// The endpoint said that it is gone for good, and its webhook, which was of this version then, believes that.
    pub(crate) gone: Option<u64>,
    /// Its lane goes on once it is on record.
    pub(crate) awaited: bool,
}

/// An attempt was not made: there is nobody to send to, or something on this side failed; later that may be otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotMade;

/// What came of sending, in the words of the log.
struct Told {
    outcome: Outcome,
    detail: String,
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
    headers: Vec<(String, String)>,
    body: String,
}

/// What is awaited is pinned first: a future is as large as all that it awaits, and is copied where it is moved.
impl Attempts {
    pub(crate) async fn make(&self, due: Due, asker: Asker, hand: &mut Hand) -> Finished {
        let (webhook, delivery) = (due.webhook, due.id);
        let result = match self.endpoints.get(webhook).await {
            Some(endpoint) => pin!(self.make_traced(&endpoint, due, asker, hand)).await,
            None => Err(NotMade),
        };
        Finished { webhook, delivery, result }
    }

    async fn make_traced(
        &self,
        endpoint: &Endpoint,
        due: Due,
        asker: Asker,
        hand: &mut Hand,
    ) -> Result<Made, NotMade> {
        let Some(traces) = &self.traces else { return pin!(self.make_at(endpoint, due, asker, hand)).await };
        let mut span = traces.attempt(&attempted(&due));
        let made = pin!(self.make_at(endpoint, due, asker, hand)).await;
        match &made {
            Ok(Made { report, .. }) => span.came_to(report.attempt.outcome, report.attempt.status_code),
            Err(NotMade) => span.put_off(),
        }
        made
    }

    async fn make_at(
        &self,
        endpoint: &Endpoint,
        due: Due,
        asker: Asker,
        hand: &mut Hand,
    ) -> Result<Made, NotMade> {
        let (started_at, started) = ((self.clock)(), Instant::now());
        self.gauges.waits.count_time(started_at.since(due.due_at));
        let (told, request) = match &endpoint.place {
            Ok(place) => pin!(self.send((endpoint, place), &due, asker, started_at, hand)).await?,
            Err(_) => (self.told(Err(Failure::Blocked)), AttemptRequest::default()),
        };
        let took = started.elapsed();
        self.gauges.count(told.outcome);
        let verdict = retry::judge(&retry::Ended {
            schedule: &endpoint.schedule,
            failed_before: due.failed,
            outcome: told.outcome,
            retry_after: told.retry_after,
            now: self.steady.now(),
            random: rand::random(),
        });
        let is_gone = endpoint.disable_on_gone && told.status == Some(StatusCode::GONE);
        let gone = is_gone.then_some(endpoint.version);
        let attempt = Attempt {
            number: due.attempts.saturating_add(1),
            started_at,
            duration_ms: took.as_millis().try_into().unwrap_or(u32::MAX),
            outcome: told.outcome,
            status_code: told.status.map(|status| status.as_u16()),
            detail: told.detail,
            response_headers: told.headers,
            response_body: told.body,
            request: AttemptRequest { url: endpoint.url.clone(), ..request },
        };
        let (delivery, webhook, failed_before) = (due.id, due.webhook, due.failed);
        let report = AttemptReport { delivery, webhook, failed_before, attempt, verdict };
        Ok(Made { report, took, gone, awaited: due.rule.ordered })
    }

    async fn send(
        &self,
        (endpoint, place): (&Endpoint, &Place),
        due: &Due,
        asker: Asker,
        started_at: Timestamp,
        hand: &mut Hand,
    ) -> Result<(Told, AttemptRequest), NotMade> {
        // By the clock that does not go back: an overlap that has ended stays ended.
        let signer = endpoint.signer(self.steady.now());
        let outgoing = Outgoing::new(endpoint, place, due, signer, started_at);
        let Endpoint { webhook, version, .. } = *endpoint;
        let route = Route { webhook, version, target: &place.target, asker };
        let Sent { address, answer } = pin!(self.sender.send(route, &outgoing, hand)).await;
        match &answer {
            Err(Failure::RanOut(error)) => {
                tracing::error!(%error, "this process has run out of something; idle connections are closed");
                self.sender.close_all();
                return Err(NotMade);
            }
            Err(Failure::NoRoom) => {
                tracing::warn!(%webhook, "too many host names are being looked up; trying again");
                return Err(NotMade);
            }
            Err(failure) if failure.is_of_the_proxy() => {
                self.tell_of_proxy(failure);
                return Err(NotMade);
            }
            _ => {}
        }
        let request = AttemptRequest {
            url: String::new(),
            address: address.map(|address| address.to_string()),
            signature: address.map(|_| outgoing.signature().to_owned()),
        };
        Ok((self.told(answer), request))
    }

    fn told(&self, answer: Result<crate::sender::Answer, Failure>) -> Told {
        match answer {
            Ok(answer) => {
                let Head { status, headers, retry_after } = answer.head;
                let (outcome, detail) = outcome::of_status(status);
                Told {
                    outcome,
                    detail,
                    status: Some(status),
                    retry_after: retry::retry_after(status, retry_after.as_deref(), (self.clock)()),
                    headers,
                    body: outcome::kept_body(answer.body),
                }
            }
            Err(failure) => {
                let (outcome, detail) = outcome::of_failure(&failure, self.attempt_timeout);
                Told {
                    outcome,
                    detail,
                    status: None,
                    retry_after: None,
                    headers: Vec::new(),
                    body: String::new(),
                }
            }
        }
    }

    /// Now and then.
    fn tell_of_proxy(&self, failure: &Failure) {
        let mut told = self.proxy_told.lock();
        if told.is_none_or(|at| at.elapsed() >= PROXY_TOLD_EVERY) {
            *told = Some(Instant::now());
            let (_, why) = outcome::of_failure(failure, self.attempt_timeout);
            tracing::warn!(why, "the egress proxy fails; its deliveries wait and are tried again");
        }
    }
}

fn attempted(due: &Due) -> Attempted<'_> {
    let event = &due.entry.event;
    Attempted {
        event: event.id,
        event_type: &event.event_type,
        webhook: due.webhook,
        delivery: due.id,
        number: due.attempts.saturating_add(1),
    }
}
