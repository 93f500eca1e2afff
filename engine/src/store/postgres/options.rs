//! The options of a store in PostgreSQL.

/// The options of a [`PostgresStore`](super::PostgresStore).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PostgresOptions {
    /// Connections to the database at a time.
    pub connections_max: usize,
    /// How long a lease lasts that is not renewed, in milliseconds. A process that dies holds its
    /// connections as long.
    pub lease_ms: u64,
    /// The name of this process in leases, for people; its random part is added.
    pub node: String,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self { connections_max: 16, lease_ms: 15_000, node: "atsync".to_owned() }
    }
}
