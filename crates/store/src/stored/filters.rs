//! What the filters of a team's webhooks say of its events, before the writer has its turn.
//!
//! A filter looks into an event's data, which takes longer than the writer has for one event. So whoever publishes asks
//! the filters that are known, on its own time, and hands their verdicts over with the events. The writer, which alone
//! changes webhooks, takes the verdicts if they are of the very filters that hold in its transaction, and asks those itself
//! otherwise (DLV-1). Who is right is never in doubt: filters are told apart by their place in memory, and what is written
//! here is only where to look first.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use cstar_types::{Event, Filter, Pattern, Patterns, TeamId};

/// The filters of a team's enabled webhooks, each once, in the order of the webhooks.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct TeamFilters(Vec<Known>);

#[derive(Debug, PartialEq)]
struct Known {
    filter: Filter,
    /// Of the webhooks that have it: of other types it is not asked.
    types: HashSet<Pattern>,
}

/// Which of a [`TeamFilters`], by their places, let an event through; none of them where none was asked.
type Verdict = Vec<bool>;

/// What a team's filters say of the events of one publish.
#[derive(Debug, Clone)]
pub(crate) struct Verdicts {
    of: Arc<TeamFilters>,
    each: Vec<Verdict>,
}

impl TeamFilters {
    /// Adds the filter of a webhook; answers its place.
    pub(crate) fn add(&mut self, filter: &Filter, types: &Patterns) -> usize {
        let place = self.0.iter().position(|known| known.filter == *filter).unwrap_or_else(|| {
            self.0.push(Known { filter: filter.clone(), types: HashSet::new() });
            self.0.len() - 1
        });
        let known = &mut self.0[place].types;
        known.extend(types.as_slice().iter().cloned());
        place
    }

    /// About how much they hold, in bytes of their texts; what was parsed of them is a few times as much.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|known| known.filter.as_str().len()).sum()
    }

    /// Asks each filter, but those of which it is known what they say.
    fn judge(&self, event: &Event, said: impl Fn(usize) -> Option<bool>) -> Verdict {
        let asked = |known: &Known| known.types.iter().any(|pattern| pattern.matches(&event.event_type));
        if !self.0.iter().any(asked) {
            return Verdict::new();
        }
        let mut data = None;
        let mut passes = |filter: &Filter| filter.matches(data.get_or_insert_with(|| event.data_tree()));
        let known = self.0.iter().enumerate();
        known.map(|(at, known)| asked(known) && said(at).unwrap_or_else(|| passes(&known.filter))).collect()
    }
}

impl Verdicts {
    pub(crate) fn none_yet(of: Arc<TeamFilters>) -> Self {
        Self { of, each: Vec::new() }
    }

    /// Asks of the next event.
    pub(crate) fn judge(&mut self, event: &Event) {
        self.each.push(self.of.judge(event, |_| None));
    }

    /// These, if they are of the filters that hold; else what those say now. Those that are as they were are not asked again:
    /// the writer has little time.
    pub(crate) fn under<'v, 'e>(
        given: Option<&'v Self>,
        filters: &Arc<TeamFilters>,
        events: impl Iterator<Item = &'e Event>,
    ) -> Cow<'v, Self> {
        match given {
            Some(given) if Arc::ptr_eq(&given.of, filters) => Cow::Borrowed(given),
            _ => {
                let before = |known: &Known| given?.of.0.iter().position(|before| before == known);
                let same: Vec<Option<usize>> = filters.0.iter().map(before).collect();
                let judged = events.enumerate().map(|(place, event)| {
                    filters.judge(event, |at| Some(given?.pass(place, same.get(at).copied()??)))
                });
                Cow::Owned(Self { each: judged.collect(), of: Arc::clone(filters) })
            }
        }
    }

    /// Whether the filter at this place lets the event at that place through.
    pub(crate) fn pass(&self, event: usize, filter: usize) -> bool {
        self.each.get(event).and_then(|verdict| verdict.get(filter)).copied().unwrap_or(false)
    }
}

/// As many bytes of filters are known at once, over all teams.
const KNOWN_BYTES: usize = 16 << 20;

/// The filters of each team that has some and was published to. The writer alone writes; reading takes no lock, and where no
/// team has a filter it is one look.
#[derive(Default)]
pub(crate) struct KnownFilters(ArcSwap<HashMap<TeamId, Arc<TeamFilters>>>);

impl KnownFilters {
    /// The team's, as far as is known.
    pub(crate) fn of(&self, team: TeamId) -> Option<Arc<TeamFilters>> {
        let known = self.0.load();
        if known.is_empty() { None } else { known.get(&team).cloned() }
    }

    /// Learns the team's filters; `None` for a team that has none. Where nothing has changed, what is known stays the one.
    pub(crate) fn learn(&self, team: TeamId, filters: TeamFilters) -> Option<Arc<TeamFilters>> {
        let known = self.0.load();
        if filters.0.is_empty() {
            if known.contains_key(&team) {
                let mut without = HashMap::clone(&known);
                without.remove(&team);
                self.0.store(Arc::new(without));
            }
            return None;
        }
        if let Some(same) = known.get(&team).filter(|known| ***known == filters) {
            return Some(Arc::clone(same));
        }
        let filters = Arc::new(filters);
        let others = known.values().map(|known| known.bytes()).sum::<usize>();
        let kept = others + filters.bytes() <= KNOWN_BYTES;
        let mut with = if kept { HashMap::clone(&known) } else { HashMap::new() };
        with.insert(team, Arc::clone(&filters));
        self.0.store(Arc::new(with));
        Some(filters)
    }

    /// What was learned may be of a transaction that was rolled back.
    pub(crate) fn forget(&self) {
        self.0.store(Arc::default());
    }
}

#[cfg(test)]
mod tests {
    use cstar_types::{EventId, Timestamp};
    use uuid::Uuid;

    use super::*;

    const HIGH: &str = r#"{"pointer":"/priority","equals":"high"}"#;
    const LOW: &str = r#"{"pointer":"/priority","equals":"low"}"#;

    fn filters(of_webhooks: &[(&str, &str)]) -> TeamFilters {
        let mut filters = TeamFilters::default();
        for (filter, types) in of_webhooks {
            filters.add(&filter.parse().unwrap(), &Patterns::parse_list(types).unwrap());
        }
        filters
    }

    fn team(number: u128) -> TeamId {
        TeamId::from_uuid(Uuid::from_u128(number))
    }

    fn event(name: &str, data: &str) -> Event {
        let at = Timestamp::from_millis(0);
        Event::new(EventId::from_bits(1, false), name.parse().unwrap(), team(1), at, data.as_bytes())
    }

    /// DLV-1: each filter is asked once, of the types of its webhooks alone.
    #[test]
    fn each_filter_is_asked_once_and_of_its_types() {
        let filters = filters(&[(HIGH, "ticket.*"), (LOW, "*"), (HIGH, "boss.spawned")]);
        assert_eq!(filters.0.len(), 2);
        let judge = |filters: &TeamFilters, name: &str| {
            filters.judge(&event(name, r#"{"priority":"high"}"#), |_| None)
        };
        assert_eq!(judge(&filters, "ticket.created"), [true, false]);
        assert_eq!(judge(&filters, "boss.spawned"), [true, false]);
        assert_eq!(judge(&filters, "boss.defeated"), [false, false]);
        assert_eq!(judge(&self::filters(&[(HIGH, "ticket.*")]), "boss.spawned"), Verdict::new());
    }

    /// DLV-1: where filters have changed, those that have not, nor their types, are not asked again.
    #[test]
    fn only_what_has_changed_is_asked_again() {
        let before = Arc::new(filters(&[(LOW, "*"), (HIGH, "ticket.*")]));
        let event = event("ticket.created", r#"{"priority":"high"}"#);
        // As if both had said otherwise, so that it shows who is asked.
        let given = Verdicts { of: Arc::clone(&before), each: vec![vec![true, false]] };
        let under = |now: &[(&str, &str)]| {
            let now = Arc::new(filters(now));
            Verdicts::under(Some(&given), &now, [&event].into_iter()).into_owned().each
        };
        assert_eq!(under(&[(HIGH, "ticket.*"), (LOW, "*")]), [[false, true]]);
        assert_eq!(under(&[(HIGH, "*"), (LOW, "*")]), [[true, true]], "its types are others");
        assert_eq!(under(&[(HIGH, "boss.*"), (LOW, "ticket.*")]), [[false, false]]);
        let same = Verdicts::under(Some(&given), &before, [&event].into_iter());
        assert!(matches!(same, Cow::Borrowed(_)));
        assert_eq!(Verdicts::under(None, &before, [&event].into_iter()).each, [[false, true]]);
    }

    #[test]
    fn what_is_known_stays_the_one_until_it_changes() {
        let known = KnownFilters::default();
        let first = known.learn(team(1), filters(&[(HIGH, "*")])).unwrap();
        let again = known.learn(team(1), filters(&[(HIGH, "*")])).unwrap();
        assert!(Arc::ptr_eq(&first, &again) && Arc::ptr_eq(&first, &known.of(team(1)).unwrap()));
        let other = known.learn(team(1), filters(&[(HIGH, "ticket.*")])).unwrap();
        assert!(!Arc::ptr_eq(&first, &other));
        assert!(known.of(team(2)).is_none());
        assert!(known.learn(team(1), filters(&[])).is_none());
        assert!(known.of(team(1)).is_none());
    }

    #[test]
    fn what_is_known_is_bounded() {
        let known = KnownFilters::default();
        let long = |number: usize| format!(r#"{{"pointer":"/a","equals":"{number:04000}"}}"#);
        let long: Vec<Filter> = (0..100).map(|number| long(number).parse().unwrap()).collect();
        for number in 0..KNOWN_BYTES as u128 / 200_000 {
            let mut many = TeamFilters::default();
            for filter in &long {
                many.add(filter, &Patterns::all());
            }
            known.learn(team(number), many);
            let bytes: usize = known.0.load().values().map(|known| known.bytes()).sum();
            assert!(bytes <= KNOWN_BYTES);
        }
    }
}
