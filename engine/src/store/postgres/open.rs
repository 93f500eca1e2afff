//! Opening: the connections to the database, and the tables in it.
//!
//! The tables are made, or brought to the newest layout, in one transaction under a lock that ends
//! with it, so that processes which start together do it once, behind a pooler too.
//!
//! Bounds: connections at a time and seconds to wait for one. Left out: a cluster's other
//! databases.

use super::options::PostgresOptions;
use super::sql::typed;
use crate::entropy::Entropy;
use crate::store::StoreError;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

/// The layout that this version reads and writes.
pub(super) const LAYOUT: i32 = 1;
/// What brings a store of one layout to the next, from none on.
const LAYOUTS: [&str; 1] = [include_str!("schema.sql")];
/// The lock under which tables are made. Any number that others are unlikely to use.
const LOCK: i64 = 0x6174_7379_6e63;

/// How long a call waits for a connection, and a connection for the database.
const WAIT: Duration = Duration::from_secs(10);

/// TLS as the engine's requests to an ATS have it: rustls, and the certificates of the system. The
/// address says whether it is used (`sslmode`).
fn tls() -> Result<MakeRustlsConnect, StoreError> {
    let failed = |error| StoreError::Invalid(format!("TLS to the database: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(failed)?;
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

/// Makes the pool of connections. Nothing is connected yet.
pub(super) fn pool(url: &str, options: &PostgresOptions) -> Result<Pool, StoreError> {
    // The text of the error names the parameter and not its value.
    let mut config: tokio_postgres::Config = url.parse().map_err(|error| {
        StoreError::Invalid(format!(
            "the store's address is no address of a PostgreSQL database: {error}; it has the form \
             postgres://user:password@host:5432/database"
        ))
    })?;
    if config.get_application_name().is_none() {
        config.application_name("atsync");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(WAIT);
    }
    let manager = Manager::from_config(
        config,
        tls()?,
        ManagerConfig { recycling_method: RecyclingMethod::Fast },
    );
    let writable = Hook::async_fn(|client, _| {
        Box::pin(async move {
            let row = client
                .query_typed_one("SELECT current_setting('transaction_read_only') = 'on'", &[])
                .await
                .map_err(HookError::Backend)?;
            match row.try_get(0).map_err(HookError::Backend)? {
                true => Err(HookError::message(
                    "the database refuses writes: it is a standby, or set to read only; name the \
                     primary",
                )),
                false => Ok(()),
            }
        })
    });
    Pool::builder(manager)
        .max_size(options.connections_max)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(WAIT))
        .post_create(writable)
        .build()
        .map_err(|error| StoreError::Invalid(format!("the store's connections: {error}")))
}

/// Brings the tables to this version's layout. Returns the store's lineage and salt.
pub(super) async fn prepare(
    client: &mut Client,
    entropy: &dyn Entropy,
) -> Result<(String, String), StoreError> {
    let sql = client.transaction().await?;
    sql.query_typed("SELECT pg_advisory_xact_lock($1)", typed![LOCK => INT8]).await?;
    let is_there =
        sql.query_typed_one("SELECT to_regclass('atsync.store') IS NOT NULL", &[]).await?;
    let is_there: bool = is_there.try_get(0)?;
    let mut held = 0;
    if is_there {
        let row = sql.query_typed_one("SELECT layout FROM atsync.store", &[]).await?;
        held = row.try_get(0)?;
    }
    let Ok(done) = usize::try_from(held) else {
        return Err(StoreError::Unusable(format!("the store has no layout {held}")));
    };
    if held > LAYOUT {
        return Err(StoreError::Unusable(format!(
            "the store has layout {held}, and this version reads up to {LAYOUT}; use the version \
             of atsync that wrote it, or a later one"
        )));
    }
    for layout in LAYOUTS.iter().skip(done) {
        sql.batch_execute(layout).await?;
    }
    if !is_there {
        sql.execute_typed(
            "INSERT INTO atsync.store (layout, lineage, salt) VALUES ($1, $2, $3)",
            typed![LAYOUT => INT4, entropy.id() => TEXT, entropy.id() => TEXT],
        )
        .await?;
    } else if held < LAYOUT {
        sql.execute_typed("UPDATE atsync.store SET layout = $1", typed![LAYOUT => INT4]).await?;
    }
    let row = sql.query_typed_one("SELECT lineage, salt FROM atsync.store", &[]).await?;
    let made = (row.try_get(0)?, row.try_get(1)?);
    sql.commit().await?;
    Ok(made)
}

/// The error where a call gets no connection to the database.
pub(super) fn failed(error: deadpool_postgres::PoolError) -> StoreError {
    match error {
        deadpool_postgres::PoolError::Backend(error) => error.into(),
        deadpool_postgres::PoolError::Closed => StoreError::Closed,
        other => StoreError::Io(format!("PostgreSQL cannot be reached: {other}")),
    }
}
