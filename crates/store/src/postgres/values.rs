//! Values that go into arrays of parameters as they are, without a copy of their own.

use bytes::{Bytes, BytesMut};
use cstar_types::EventType;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

type Written = Result<IsNull, Box<dyn std::error::Error + Sync + Send>>;

/// The body of an event, shared with the entry that is told.
#[derive(Debug)]
pub(super) struct Body(pub(super) Bytes);

/// The name of an event type.
#[derive(Debug, Clone)]
pub(super) struct TypeName(pub(super) EventType);

impl ToSql for Body {
    fn to_sql(&self, as_type: &Type, out: &mut BytesMut) -> Written {
        (&self.0[..]).to_sql(as_type, out)
    }

    fn accepts(as_type: &Type) -> bool {
        *as_type == Type::BYTEA
    }

    to_sql_checked!();
}

impl ToSql for TypeName {
    fn to_sql(&self, as_type: &Type, out: &mut BytesMut) -> Written {
        self.0.as_str().to_sql(as_type, out)
    }

    fn accepts(as_type: &Type) -> bool {
        *as_type == Type::TEXT
    }

    to_sql_checked!();
}
