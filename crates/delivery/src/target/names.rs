//! Names and where they lead: nobody's lookups hold up another's, and answers are remembered for a short while.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _, Shared};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::rule::Asked;
use super::{Resolver, Target, TargetError, TargetRule, Vetted};

/// Who asks where a name leads. Each has a room of its own, so that those whose names' servers swallow questions hold
/// up their like and nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Asker {
    /// A lane whose last attempt succeeded.
    Proven,
    /// Any other lane.
    Suspect,
    /// Whoever registers a URL.
    Registration,
}

impl Asker {
    const ALL: [Self; 3] = [Self::Proven, Self::Suspect, Self::Registration];

    /// Lookups at once. Each takes a thread of the runtime, which has 512 for all that blocks, and a name whose servers
    /// swallow questions takes its thread for half a minute, long past the attempt's deadline.
    const fn room(self) -> usize {
        match self {
            Self::Proven => 64,
            Self::Suspect => 32,
            Self::Registration => 16,
        }
    }
}

/// How long somebody waits for room, and how long for a fresh answer where a recent one is known.
const PATIENCE: Duration = Duration::from_secs(2);

/// How old an answer may be that somebody goes on with while a fresh one is awaited.
const RECENT: Duration = Duration::from_secs(30);

/// The most names that are remembered: about a megabyte.
const NAMES_MAX: usize = 10_000;

type Answer = Result<Arc<[IpAddr]>, TargetError>;

/// The target rule, and the names that it is asked about.
///
/// SEC-1 does not rest on what is remembered: whatever an answer's age, it is judged at every attempt, and what is dialled is
/// an address that was judged.
#[derive(Clone)]
pub(crate) struct Names(Arc<Inner>);

struct Inner {
    rule: TargetRule,
    resolver: Arc<dyn Resolver>,
    kept: Duration,
    rooms: [Semaphore; Asker::ALL.len()],
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    known: HashMap<Box<str>, Known>,
    /// Lookups on their way, one for each name in each room.
    asking: HashMap<(Asker, Box<str>), Shared<BoxFuture<'static, Answer>>>,
}

struct Known {
    addresses: Arc<[IpAddr]>,
    since: Instant,
}

impl Names {
    /// Answers are taken as they were for as long as `kept`; with zero nothing is remembered.
    pub(crate) fn new(rule: TargetRule, resolver: Arc<dyn Resolver>, kept: Duration) -> Self {
        let rooms = Asker::ALL.map(|asker| Semaphore::new(asker.room()));
        Self(Arc::new(Inner { rule, resolver, kept, rooms, heard: Mutex::default() }))
    }

    pub(crate) fn rule(&self) -> &TargetRule {
        &self.0.rule
    }

    /// Looks the name up and judges every answer; a literal address takes the same way.
    pub(crate) async fn vet(&self, target: &Target, asker: Asker) -> Result<Vec<Vetted>, TargetError> {
        let found = match self.0.rule.asked(target) {
            Asked::Nobody(address) => [address].into(),
            Asked::Name(name) => self.look_up(&name, asker).await?,
        };
        self.0.rule.vet(target, &found)
    }

    async fn look_up(&self, name: &str, asker: Asker) -> Answer {
        let (asking, recent) = {
            let mut heard = self.0.heard.lock();
            let recent = match heard.recent(name, Instant::now()) {
                Some((addresses, age)) if age < self.0.kept => return Ok(addresses),
                recent => recent.map(|(addresses, _)| addresses),
            };
            let place = (asker, Box::from(name));
            match (heard.asking.get(&place).filter(|asking| asking.peek().is_none()), recent) {
                // A busy webhook does not wait a hundred times over.
                (Some(_), Some(recent)) => return Ok(recent),
                (Some(asking), None) => (asking.clone(), None),
                (None, recent) => {
                    let asking = self.ask(name.into(), asker);
                    heard.asking.insert(place, asking.clone());
                    (asking, recent)
                }
            }
        };
        let Some(recent) = recent else { return asking.await };
        match timeout(PATIENCE, asking).await {
            Err(_) | Ok(Err(TargetError::NoRoom | TargetError::RanOut(_))) => Ok(recent),
            Ok(answer) => answer,
        }
    }

    /// The lookup goes on when nobody waits for it any more, since it cannot be stopped: it keeps its place in the room.
    fn ask(&self, name: Box<str>, asker: Asker) -> Shared<BoxFuture<'static, Answer>> {
        let inner = Arc::clone(&self.0);
        let asking = tokio::spawn(async move {
            let answer = inner.ask(&name, asker).await;
            inner.heard(name, asker, &answer);
            answer
        });
        asking.map(|joined| joined.unwrap_or(Err(TargetError::Unresolved))).boxed().shared()
    }
}

impl Inner {
    async fn ask(&self, name: &str, asker: Asker) -> Answer {
        let room = timeout(PATIENCE, self.rooms[asker as usize].acquire()).await;
        let Ok(Ok(_permit)) = room else { return Err(TargetError::NoRoom) };
        let found = self.resolver.resolve(name).await.map_err(|error| TargetError::resolving(&error))?;
        Ok(found.into())
    }

    fn heard(&self, name: Box<str>, asker: Asker, answer: &Answer) {
        let mut heard = self.heard.lock();
        heard.asking.remove(&(asker, name.clone()));
        match answer {
            Ok(addresses) if !self.kept.is_zero() => {
                heard.remember(name, Arc::clone(addresses), Instant::now())
            }
            Err(TargetError::Unresolved) => drop(heard.known.remove(&name)),
            _ => {} // nothing was learned of the name
        }
    }
}

impl Heard {
    fn recent(&self, name: &str, now: Instant) -> Option<(Arc<[IpAddr]>, Duration)> {
        let Known { addresses, since } = self.known.get(name)?;
        let age = now.saturating_duration_since(*since);
        (age < RECENT).then(|| (Arc::clone(addresses), age))
    }

    fn remember(&mut self, name: Box<str>, addresses: Arc<[IpAddr]>, now: Instant) {
        if self.known.len() >= NAMES_MAX {
            self.known.retain(|_, known| now.saturating_duration_since(known.since) < RECENT);
        }
        if self.known.len() < NAMES_MAX {
            self.known.insert(name, Known { addresses, since: now });
        }
    }
}
