//! `insert`: one thread that inserts the rows which the server wrote into the same schema, in groups as large as the server's.

use cstar_store::sqlite::floor::Rows;

use crate::Failure;
use crate::server::Place;

/// Rows a second.
pub(crate) fn measure(place: &Place, rows: &Rows, group: f64) -> Result<f64, Failure> {
    let directory = place.directory()?;
    let took = rows.insert(&directory.path().join("data"), group.round() as usize)?;
    Ok(rows.bodies().count() as f64 / took.as_secs_f64())
}
