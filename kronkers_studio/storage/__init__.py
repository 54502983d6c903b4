"""The metadata database (SQLCipher), its tables and migrations (SQLAlchemy, Alembic), the keys that open it and all
else, the lock of who writes, and space for a full disk."""
