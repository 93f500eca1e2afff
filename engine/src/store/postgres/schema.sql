-- Layout 1 of a store in PostgreSQL. Everything is below the schema `atsync`, and every statement
-- names it, so no setting of a session matters.
--
-- Names, keys, ids and paths are `bytea`: they are compared and listed by their bytes, as in the
-- other stores, whatever the collation of the database is, and may hold any character. A body is
-- the bytes of its JSON. Times are milliseconds of the engine's clock, but for leases, whose time
-- is the database's.

CREATE SCHEMA atsync;

CREATE TABLE atsync.store (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    layout integer NOT NULL,
    lineage text NOT NULL,
    salt text NOT NULL
);

-- A connection has an id for ever, and a number that its rows have. To forget a connection is to
-- give it the next number; the rows of the earlier one are removed afterwards.
CREATE SEQUENCE atsync.numbers;
CREATE SEQUENCE atsync.intent_ids;

CREATE TABLE atsync.connections (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name bytea NOT NULL UNIQUE,
    number bigint NOT NULL UNIQUE DEFAULT nextval('atsync.numbers'),
    body bytea,
    last_serial bigint NOT NULL DEFAULT 0,
    last_mark bigint NOT NULL DEFAULT 0,
    last_dirt bigint NOT NULL DEFAULT 0,
    last_erasure bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE atsync.forgotten (number bigint PRIMARY KEY);

CREATE TABLE atsync.leases (
    connection bigint PRIMARY KEY,
    holder text NOT NULL,
    fence bigint NOT NULL,
    until timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE atsync.tallies (
    connection bigint NOT NULL,
    of text NOT NULL,
    word bytea NOT NULL,
    rows bigint NOT NULL,
    PRIMARY KEY (connection, of, word)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE atsync.observed (
    connection bigint NOT NULL,
    kind bytea NOT NULL,
    id bytea NOT NULL,
    version bytea,
    known bytea NOT NULL,
    changed_ms bigint NOT NULL,
    gone boolean NOT NULL,
    moved_in boolean NOT NULL,
    body bytea NOT NULL,
    raw bytea,
    PRIMARY KEY (connection, kind, id)
) PARTITION BY HASH (connection);

-- By digest: of kind, index and term, which may be longer than an index entry.
CREATE TABLE atsync.terms (
    connection bigint NOT NULL,
    digest bytea NOT NULL,
    kind bytea NOT NULL,
    id bytea NOT NULL,
    PRIMARY KEY (connection, digest, kind, id)
) PARTITION BY HASH (connection);

DO $$
BEGIN
    FOR part IN 0..15 LOOP
        EXECUTE format('CREATE TABLE atsync.observed_%s PARTITION OF atsync.observed
            FOR VALUES WITH (MODULUS 16, REMAINDER %s)
            WITH (fillfactor = 90)', part, part);
        EXECUTE format('CREATE TABLE atsync.terms_%s PARTITION OF atsync.terms
            FOR VALUES WITH (MODULUS 16, REMAINDER %s)', part, part);
    END LOOP;
END $$;

CREATE TABLE atsync.aliases (
    connection bigint NOT NULL,
    kind bytea NOT NULL,
    id bytea NOT NULL,
    continues bytea NOT NULL,
    reported boolean NOT NULL,
    PRIMARY KEY (connection, kind, id)
);
CREATE INDEX aliases_leads ON atsync.aliases (connection, kind, id) WHERE NOT reported;

CREATE TABLE atsync.scans (
    connection bigint NOT NULL,
    kind bytea NOT NULL,
    -- Empty where the kind is scanned as a whole; else `/` and the parent's id.
    parent bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (connection, kind, parent)
) WITH (fillfactor = 70);

CREATE TABLE atsync.sweeps (
    connection bigint NOT NULL,
    kind bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (connection, kind)
) WITH (fillfactor = 70);

CREATE TABLE atsync.seen (
    connection bigint NOT NULL,
    kind bytea NOT NULL,
    id bytea NOT NULL,
    PRIMARY KEY (connection, kind, id)
);

CREATE TABLE atsync.problems (
    connection bigint NOT NULL,
    kind bytea NOT NULL,
    id bytea NOT NULL,
    field bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (connection, kind, id, field)
);

CREATE TABLE atsync.desired (
    connection bigint NOT NULL,
    key bytea NOT NULL,
    generation bigint NOT NULL,
    changed_ms bigint NOT NULL,
    -- The number of the newest mark; 0 while the record is clean.
    dirt bigint NOT NULL,
    mode text NOT NULL,
    status bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (connection, key)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX desired_dirty ON atsync.desired (connection, key) WHERE dirt <> 0;

-- The desired records by the candidate and the addresses that they name.
CREATE TABLE atsync.desired_names (
    connection bigint NOT NULL,
    digest bytea NOT NULL,
    key bytea NOT NULL,
    PRIMARY KEY (connection, digest, key)
);

CREATE TABLE atsync.links (
    connection bigint NOT NULL,
    path bytea NOT NULL,
    kind bytea NOT NULL,
    id bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (connection, path)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX links_to ON atsync.links (connection, kind, id);

CREATE TABLE atsync.intents (
    connection bigint NOT NULL,
    id bigint NOT NULL,
    path bytea NOT NULL,
    operation bytea NOT NULL,
    open boolean NOT NULL,
    first_sent_ms bigint NOT NULL,
    changed_ms bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (connection, id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE UNIQUE INDEX intents_open ON atsync.intents (connection, path, operation) WHERE open;
CREATE INDEX intents_of ON atsync.intents (connection, path, operation, id);

-- The intents by the records that they are about.
CREATE TABLE atsync.intent_names (
    connection bigint NOT NULL,
    digest bytea NOT NULL,
    id bigint NOT NULL,
    PRIMARY KEY (connection, digest, id)
);

CREATE TABLE atsync.changes (
    connection bigint NOT NULL,
    serial bigint NOT NULL,
    at_ms bigint NOT NULL,
    what text NOT NULL,
    kind bytea NOT NULL,
    id bytea NOT NULL,
    cause bytea NOT NULL,
    before bytea NOT NULL,
    after bytea NOT NULL,
    PRIMARY KEY (connection, serial)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- The events by the records that they are about or name.
CREATE TABLE atsync.change_names (
    connection bigint NOT NULL,
    digest bytea NOT NULL,
    serial bigint NOT NULL,
    PRIMARY KEY (connection, digest, serial)
);
CREATE INDEX change_names_of ON atsync.change_names (connection, serial);

CREATE TABLE atsync.offsets (
    connection bigint NOT NULL,
    consumer bytea NOT NULL,
    serial bigint NOT NULL,
    PRIMARY KEY (connection, consumer)
) WITH (fillfactor = 50);

-- By the connection's id, not its number: an erased candidate stays away when all is forgotten.
CREATE TABLE atsync.erased (
    connection bigint NOT NULL,
    digest text NOT NULL,
    erasure bigint NOT NULL,
    PRIMARY KEY (connection, digest)
);

CREATE TABLE atsync.kept_notes (
    connection bigint NOT NULL,
    area bytea NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (connection, area, key)
) WITH (fillfactor = 70);
