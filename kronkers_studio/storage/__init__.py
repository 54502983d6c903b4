"""The metadata database (SQLCipher), its tables and migrations (SQLAlchemy, Alembic), and encryption at rest."""
