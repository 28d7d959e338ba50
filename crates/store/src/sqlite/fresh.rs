//! Deliveries that the writer has made and not touched since.
//!
//! Most are delivered at once, and then their row is as it was written: it need not be read to be changed.

use std::collections::HashMap;

use super::delivery_rows::DeliveryRow;
use crate::stored::place::Place;

/// So many make a generation, and two are remembered: about three megabytes.
const GENERATION: usize = 8192;

/// The rows as they stand in the database. Whoever changes rows otherwise than by their first result forgets them all.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    young: HashMap<Place, DeliveryRow>,
    /// What does not end soon, as for an endpoint that is down, goes with its generation.
    old: HashMap<Place, DeliveryRow>,
}

impl Fresh {
    pub(super) fn add(&mut self, rows: impl IntoIterator<Item = DeliveryRow>) {
        for row in rows {
            if self.young.len() >= GENERATION {
                self.old = std::mem::take(&mut self.young);
            }
            self.young.insert(row.place, row);
        }
    }

    /// Takes one out that is to be changed; with another tag it is another's, who is gone.
    pub(super) fn take(&mut self, place: Place, tag: i64) -> Option<DeliveryRow> {
        let row = self.young.remove(&place).or_else(|| self.old.remove(&place));
        row.filter(|row| row.tag == tag)
    }

    pub(super) fn forget_all(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}
