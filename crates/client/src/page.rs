//! Lists, page by page or row by row.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use cstar_wire::List;
use futures_util::{Stream, stream};
use serde::de::DeserializeOwned;

use crate::call::Call;
use crate::transport::Transport;
use crate::{Error, Result};

/// A list. Nothing is asked of the server before the first page is.
pub struct Pages<T> {
    transport: Arc<Transport>,
    call: Call,
    limit: Option<usize>,
    after: Option<String>,
    before: Option<String>,
    done: bool,
    rows: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Pages<T> {
    pub(crate) fn new(transport: &Arc<Transport>, call: Call) -> Self {
        let transport = Arc::clone(transport);
        Self { transport, call, limit: None, after: None, before: None, done: false, rows: PhantomData }
    }

    /// With at most so many rows a page; the server's default unless said.
    #[must_use]
    pub fn limit(mut self, rows: usize) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Behind a page's `next`, or a row's id or position.
    #[must_use]
    pub fn after(mut self, after: impl Into<String>) -> Self {
        self.after = Some(after.into());
        self
    }

    /// In front of a row's id or position: in a list that is newest first, with the newest row that one has, what is new.
    #[must_use]
    pub fn before(mut self, before: impl Into<String>) -> Self {
        self.before = Some(before.into());
        self
    }

    /// The next page; `None` behind the last one. A page may have no rows although others follow.
    ///
    /// # Errors
    /// When the call fails; it can be made again then.
    pub async fn next_page(&mut self) -> Result<Option<List<T>>> {
        if self.done {
            return Ok(None);
        }
        let call = self.call.clone().query("limit", self.limit);
        let call = call.query("after", self.after.as_ref()).query("before", self.before.as_ref());
        let page: List<T> = self.transport.fetch(&call).await?;
        if page.has_more && (page.next.is_none() || page.next == self.after) {
            return Err(Error::protocol("a page says that more follow, and not where"));
        }
        self.done = !page.has_more;
        self.after.clone_from(&page.next);
        Ok(Some(page))
    }

    /// The rows of all pages. It ends with the first error.
    pub fn rows(self) -> impl Stream<Item = Result<T>> + Send
    where
        T: Send,
    {
        stream::try_unfold((self, VecDeque::new()), |(mut pages, mut rows)| async move {
            while rows.is_empty() {
                match pages.next_page().await? {
                    Some(page) => rows.extend(page.data),
                    None => return Ok(None),
                }
            }
            Ok(rows.pop_front().map(|row| (row, (pages, rows))))
        })
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, after, before, done, .. } = self;
        f.debug_struct("Pages")
            .field("limit", limit)
            .field("after", after)
            .field("before", before)
            .field("done", done)
            .finish_non_exhaustive()
    }
}
