"""Tokens that were revoked before they ended."""

from alembic import op

revision = "0002"
down_revision = "0001"

_REVOKED = (
    "CREATE TABLE revoked (key bytea PRIMARY KEY, expires bigint NOT NULL, revoked bigint NOT NULL)",
    "CREATE INDEX revoked_by_time ON revoked (revoked)",
)


def upgrade() -> None:
    for statement in _REVOKED:
        op.execute(statement)
