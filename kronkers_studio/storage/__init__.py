"""The metadata database (SQLAlchemy over SQLCipher), its tables and migrations, and encryption at rest."""
