//! The terms of observed records, by digest. See [`naming`].
//!
//! Left out: which record is found by which term; a reader checks the record.

use super::digest;
use super::sql::{list, typed};
use super::tx::Tx;
use crate::index;
use crate::store::{StoreError, naming};
use std::collections::BTreeSet;

/// The terms to remove and to write, of records of one kind.
#[derive(Default)]
pub(super) struct Terms {
    gone: Vec<(Vec<u8>, String)>,
    new: Vec<(Vec<u8>, String)>,
}

/// The digests of a record's terms.
fn digests(kind: &str, body: &str) -> BTreeSet<Vec<u8>> {
    let terms = naming::terms(kind, body).into_iter();
    terms.map(|(index, term)| digest::term(kind, index, &term)).collect()
}

impl Terms {
    /// Adds the difference of two bodies of a record.
    pub(super) fn differ(
        &mut self,
        kind: &str,
        id: &str,
        before: Option<&str>,
        after: Option<&str>,
    ) {
        let was = before.map(|body| digests(kind, body)).unwrap_or_default();
        let is = after.map(|body| digests(kind, body)).unwrap_or_default();
        let own = |digest: &Vec<u8>| (digest.clone(), id.to_owned());
        self.gone.extend(was.difference(&is).map(own));
        self.new.extend(is.difference(&was).map(own));
    }

    /// Writes the difference.
    pub(super) async fn write(&self, tx: &Tx<'_>, kind: &str) -> Result<(), StoreError> {
        for (entries, statement) in [
            (
                &self.gone,
                "DELETE FROM atsync.terms t USING unnest($3::bytea[], $4::bytea[]) e (digest, id) \
                 WHERE t.connection = $1 AND t.digest = e.digest AND t.kind = $2 AND t.id = e.id",
            ),
            (
                &self.new,
                "INSERT INTO atsync.terms (connection, kind, digest, id) \
                 SELECT $1, $2, * FROM unnest($3::bytea[], $4::bytea[]) ON CONFLICT DO NOTHING",
            ),
        ] {
            if entries.is_empty() {
                continue;
            }
            let digests: Vec<&[u8]> = entries.iter().map(|(digest, _)| digest.as_slice()).collect();
            let ids = list(entries.iter().map(|(_, id)| id.as_str()));
            let parameters = typed![
                tx.number => INT8, kind.as_bytes() => BYTEA, digests => BYTEA_ARRAY,
                ids => BYTEA_ARRAY
            ];
            tx.sql.execute_typed(statement, parameters).await?;
        }
        Ok(())
    }
}

/// Whether a body carries a term.
pub(super) fn carries(kind: &str, body: &str, index: &str, term: &str) -> bool {
    index::terms(kind, body).iter().any(|(name, held)| *name == index && held == term)
}
