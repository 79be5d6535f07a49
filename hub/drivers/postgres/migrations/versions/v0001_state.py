"""The tables of the first layout. What each is for is told by the driver that asks it."""

from alembic import op

revision = "0001"
down_revision = None

_ORIGIN = "CREATE TABLE origin (one integer PRIMARY KEY CHECK (one = 1), log text NOT NULL)"

_REGISTRY = """
CREATE TABLE head (revision bigint NOT NULL);
INSERT INTO head VALUES (0);
CREATE TABLE version (
    revision bigint,
    place integer,
    kind text NOT NULL,
    id text NOT NULL,
    body bytea NOT NULL,
    actor text NOT NULL,
    act text NOT NULL,
    reason bytea NOT NULL,    -- UTF-8: it may hold what PostgreSQL takes for no text
    time_us bigint NOT NULL,
    PRIMARY KEY (revision, place)
);
CREATE TABLE audit (revision bigint PRIMARY KEY, event bytea NOT NULL)
"""

_POSITIONS = """
CREATE TABLE lease (
    name text PRIMARY KEY,
    holder text,              -- NULL once given back
    epoch bigint NOT NULL,
    expires_us bigint NOT NULL
);
CREATE TABLE feed_position (
    output text,
    generation bigint,
    partition integer,
    source_offset bigint NOT NULL,
    feed_offset bigint NOT NULL,
    PRIMARY KEY (output, generation, partition)
);
CREATE TABLE acknowledged (
    reader text,
    feed text,
    cursor bytea NOT NULL,
    PRIMARY KEY (reader, feed)
)
"""

_INDEX = """
CREATE TABLE judge_mark (
    generation bigint,
    partition integer,
    log_offset bigint NOT NULL,
    PRIMARY KEY (generation, partition)
);
CREATE TABLE slice (
    id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    start_s bigint NOT NULL,
    end_s bigint NOT NULL,
    UNIQUE (start_s, end_s)
);
CREATE TABLE first_occurrence (
    slice integer,
    identity bytea,           -- 16 bytes
    digest bytea NOT NULL,    -- 32 bytes
    generation bigint NOT NULL,
    partition integer NOT NULL,
    log_offset bigint NOT NULL,
    time_us bigint NOT NULL,
    PRIMARY KEY (identity, slice)
) PARTITION BY LIST (slice);
CREATE TABLE repeat_occurrence (
    slice integer,
    identity bytea,
    digest bytea NOT NULL,
    generation bigint,
    partition integer,
    log_offset bigint,
    time_us bigint NOT NULL,
    PRIMARY KEY (identity, slice, generation, partition, log_offset)
) PARTITION BY LIST (slice)
"""

_REPLAY = """
CREATE TABLE used (key bytea PRIMARY KEY, expires bigint NOT NULL);
CREATE INDEX used_by_expiry ON used (expires)
"""

_JOBS = """
CREATE TABLE job (
    id text COLLATE "C" PRIMARY KEY,
    partner text NOT NULL,
    kind text NOT NULL,
    stored_us bigint NOT NULL,
    finished_us bigint,       -- NULL while there is work to do
    body bytea NOT NULL
);
CREATE INDEX job_by_partner ON job (partner, kind, stored_us, id);
CREATE INDEX job_by_end ON job (finished_us, partner);
CREATE TABLE result (
    job text COLLATE "C",
    first integer,
    count integer NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (job, first)
)
"""

_LAST_USE = """
CREATE TABLE last_use (
    credential text PRIMARY KEY,
    time bigint NOT NULL,
    address text NOT NULL,
    agent text NOT NULL
)
"""

_VIEWS = """
CREATE TABLE view_number (last bigint NOT NULL);
INSERT INTO view_number VALUES (0);
CREATE TABLE view_mark (
    generation bigint,
    partition integer,
    log_offset bigint NOT NULL,
    time_us bigint NOT NULL,
    PRIMARY KEY (generation, partition)
);
CREATE TABLE view_event (
    number bigint PRIMARY KEY,
    received_us bigint NOT NULL,
    occurred_us bigint NOT NULL,
    consigned boolean NOT NULL,
    publisher text NOT NULL,
    type text NOT NULL,
    version text COLLATE "C" NOT NULL,
    generation bigint NOT NULL,
    partition integer NOT NULL,
    log_offset bigint NOT NULL,
    objects bytea[] NOT NULL, -- UTF-8: a partner may name what PostgreSQL takes for no text
    series bytea[] NOT NULL,
    header bytea NOT NULL,
    value bytea NOT NULL
);
CREATE INDEX view_event_received ON view_event (received_us, number);
CREATE INDEX view_event_publisher ON view_event (publisher, received_us, number);
CREATE INDEX view_event_type ON view_event (type, received_us, number);
CREATE INDEX view_event_unconsigned ON view_event (received_us, number) WHERE NOT consigned;
CREATE TABLE view_object (
    key bytea,                -- the first 16 bytes of SHA-256 of the name
    received_us bigint,
    number bigint,
    consigned boolean NOT NULL,
    publisher text NOT NULL,
    PRIMARY KEY (key, received_us, number)
);
CREATE INDEX view_object_consigned ON view_object (key, received_us, number) WHERE consigned;
CREATE TABLE view_series (
    key bytea,
    version text COLLATE "C",
    number bigint,
    PRIMARY KEY (key, version, number)
)
"""


def upgrade() -> None:
    for tables in (_ORIGIN, _REGISTRY, _POSITIONS, _INDEX, _REPLAY, _JOBS, _LAST_USE, _VIEWS):
        for statement in tables.split(";"):
            op.execute(statement)
