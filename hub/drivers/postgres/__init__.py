"""PostgreSQL 15 or newer: what the workers of a hub share beside the log, on any number of machines.

Statements go through asyncpg; SQLAlchemy and alembic make the tables and upgrade them (`migrations`), at the start of
a hub whose tables are not there yet. The theory of operation is in `state.py`.
"""
