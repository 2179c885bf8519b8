"""One file for each version of the schema; alembic finds and runs them."""
