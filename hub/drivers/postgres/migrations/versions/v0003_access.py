"""The access journal, and whose the events are that it tells of."""

from alembic import op

revision = "0003"
down_revision = "0002"

_ACCESS = (
    """
CREATE TABLE access (
    number bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    time_us bigint NOT NULL,
    generation bigint NOT NULL,
    partition integer NOT NULL,
    block bigint NOT NULL,
    mark bigint NOT NULL,     -- the last offset
    recipient text NOT NULL,
    feed text NOT NULL,
    lane text NOT NULL,
    credential text NOT NULL,
    body bytea NOT NULL
)
""",
    "CREATE INDEX access_block ON access (generation, partition, block, number)",
    "CREATE INDEX access_mark ON access (generation, partition, recipient, feed, lane, mark) WHERE block = -1",
    "CREATE INDEX access_time ON access (time_us)",
    "CREATE INDEX access_credential ON access (credential, number) WHERE credential <> ''",
    """
CREATE TABLE owned (
    publisher text,
    generation bigint,
    block bigint,
    partition integer,
    runs bytea,
    received_us bigint NOT NULL,
    PRIMARY KEY (publisher, generation, block, partition, runs)
)
""",
    "CREATE INDEX owned_received ON owned (received_us)",
    # What is known is followed again from its start: with it comes whose the events are.
    "TRUNCATE view_mark, view_event, view_object, view_series",
)


def upgrade() -> None:
    for statement in _ACCESS:
        op.execute(statement)
