//! Rows on their way, in PostgreSQL's binary form of `COPY`: what is sent to it and what it answers are the same bytes.

use bytes::{BufMut, Bytes, BytesMut};
use rusqlite::types::ValueRef;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use crate::StoreError;

/// Begins every copy: the signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Ends it, where the next row would say how many columns it has.
const TRAILER: i16 = -1;
const NULL: i32 = -1;
/// Sent together.
const PIECE_BYTES: usize = 256 << 10;

/// The type of a column in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bigint,
    Integer,
    Smallint,
    Boolean,
    Uuid,
    Text,
    /// Also of what SQLite has as text.
    Bytea,
}

/// What a table was when it was sent.
pub(super) struct Sent {
    pub(super) rows: u64,
    pub(super) sum: Sum,
}

/// Of all bytes of a copy, in order.
pub(crate) type Sum = [u8; 32];

/// Writes rows, and sends them in pieces.
pub(super) struct Rows {
    piece: BytesMut,
    pieces: mpsc::Sender<Bytes>,
    sum: Sha256,
    rows: u64,
}

impl Rows {
    pub(super) fn begin(pieces: mpsc::Sender<Bytes>) -> Self {
        let mut piece = BytesMut::with_capacity(PIECE_BYTES);
        piece.put_slice(HEADER);
        Self { piece, pieces, sum: Sha256::new(), rows: 0 }
    }

    /// Begins a row of so many values.
    pub(super) fn row(&mut self, values: usize) -> Result<u64, StoreError> {
        if self.piece.len() >= PIECE_BYTES {
            self.send()?;
        }
        self.rows += 1;
        self.piece.put_i16(values as i16);
        Ok(self.rows)
    }

    /// A value of the row, as its column has it.
    pub(super) fn value(&mut self, kind: Kind, value: ValueRef<'_>) -> Result<(), StoreError> {
        let misfit = || StoreError::Damaged(format!("a value is no {kind:?}"));
        match (kind, value) {
            (_, ValueRef::Null) => self.piece.put_i32(NULL),
            (Kind::Bigint, ValueRef::Integer(int)) => self.bytes(&int.to_be_bytes()),
            (Kind::Integer, ValueRef::Integer(int)) => {
                self.bytes(&i32::try_from(int).map_err(|_| misfit())?.to_be_bytes());
            }
            (Kind::Smallint, ValueRef::Integer(int)) => {
                self.bytes(&i16::try_from(int).map_err(|_| misfit())?.to_be_bytes());
            }
            (Kind::Boolean, ValueRef::Integer(int @ (0 | 1))) => self.bytes(&[int as u8]),
            (Kind::Uuid, ValueRef::Blob(bytes)) if bytes.len() == 16 => self.bytes(bytes),
            (Kind::Text | Kind::Bytea, ValueRef::Text(bytes)) | (Kind::Bytea, ValueRef::Blob(bytes)) => {
                self.bytes(bytes);
            }
            _ => return Err(misfit()),
        }
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.piece.put_i32(bytes.len() as i32);
        self.piece.put_slice(bytes);
    }

    pub(super) fn end(mut self) -> Result<Sent, StoreError> {
        self.piece.put_i16(TRAILER);
        self.send()?;
        Ok(Sent { rows: self.rows, sum: self.sum.finalize().into() })
    }

    fn send(&mut self) -> Result<(), StoreError> {
        let piece = self.piece.split().freeze();
        self.piece.reserve(PIECE_BYTES);
        self.sum.update(&piece);
        // Whoever took them says why it went.
        self.pieces.blocking_send(piece).map_err(|_| StoreError::ShuttingDown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(kind: Kind, value: ValueRef<'_>) -> Result<Vec<u8>, StoreError> {
        let (pieces, mut sent) = mpsc::channel(4);
        let mut rows = Rows::begin(pieces);
        rows.row(1)?;
        rows.value(kind, value)?;
        rows.end()?;
        let piece = sent.try_recv().expect("what was written was sent");
        Ok(piece[HEADER.len() + 2..piece.len() - 2].to_vec())
    }

    /// LOG-3: a value that its column cannot hold is an error, and nothing is cut off.
    #[test]
    fn a_value_is_whole_or_refused() {
        let text = ValueRef::Text(b"a\0b");
        assert_eq!(encoded(Kind::Bigint, ValueRef::Integer(-2)).unwrap()[4..], (-2i64).to_be_bytes());
        assert_eq!(encoded(Kind::Bytea, text).unwrap(), b"\0\0\0\x03a\0b");
        assert_eq!(encoded(Kind::Text, ValueRef::Null).unwrap(), [255; 4]);
        for (kind, value) in [
            (Kind::Integer, ValueRef::Integer(1 << 31)),
            (Kind::Smallint, ValueRef::Integer(1 << 15)),
            (Kind::Boolean, ValueRef::Integer(2)),
            (Kind::Uuid, ValueRef::Blob(&[0; 15])),
            (Kind::Text, ValueRef::Blob(b"a")),
            (Kind::Bigint, text),
        ] {
            assert!(matches!(encoded(kind, value), Err(StoreError::Damaged(_))), "{kind:?} {value:?}");
        }
    }
}
