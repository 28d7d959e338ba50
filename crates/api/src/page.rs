//! Pages of lists: `limit`, `after`, `before`.
//!
//! Both name a row: `after` begins behind it in the order of the list, `before` ends in front of it. `next` of an
//! answer is sent as `after`. In a list that is newest first, `before` with the newest row that one has brings what
//! is new.

use std::fmt::Display;
use std::str::FromStr;

use cstar_store::Page;
use cstar_types::limits::{PAGE_DEFAULT_ROWS, PAGE_MAX_ROWS};
use cstar_wire::List;

use crate::error::ApiResult;
use crate::query::Query;

/// The parameters of every list.
pub(crate) const PARAMETERS: [&str; 3] = ["limit", "after", "before"];

/// Which part of a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Range<C> {
    pub(crate) after: Option<C>,
    pub(crate) before: Option<C>,
    pub(crate) limit: usize,
}

impl<C: FromStr<Err: Display>> Range<C> {
    /// Reads the parameters.
    ///
    /// # Errors
    /// `bad_query` names the one that is not as it should be.
    pub(crate) fn of(query: &Query) -> ApiResult<Self> {
        Ok(Self {
            after: query.get("after", str::parse)?,
            before: query.get("before", str::parse)?,
            limit: limit(query)?,
        })
    }
}

/// How many rows.
pub(crate) fn limit(query: &Query) -> ApiResult<usize> {
    let read = |text: &str| match text.parse() {
        Ok(limit) if (1..=PAGE_MAX_ROWS).contains(&limit) => Ok(limit),
        _ => Err(format!("write a whole number from 1 to {PAGE_MAX_ROWS}")),
    };
    Ok(query.get("limit", read)?.unwrap_or(PAGE_DEFAULT_ROWS))
}

/// Ends a page at the first row for which `reached` holds: it and what follows were not asked for.
pub(crate) fn end_before<T, C>(mut page: Page<T, C>, reached: impl Fn(&T) -> bool) -> Page<T, C> {
    if let Some(end) = page.rows.iter().position(reached) {
        page.rows.truncate(end);
        page.next = None;
    }
    page
}

/// The page as it is answered.
pub(crate) fn list<T, C: Display, A>(page: Page<T, C>, shape: impl FnMut(T) -> A) -> List<A> {
    let next = page.next.map(|next| next.to_string());
    List::new(page.rows.into_iter().map(shape).collect(), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_where_it_was_asked_to() {
        let page = || Page { rows: vec![9, 8, 7], next: Some(7) };
        assert_eq!(end_before(page(), |row| *row <= 8), Page { rows: vec![9], next: None });
        assert_eq!(end_before(page(), |row| *row <= 1), page());
    }
}
