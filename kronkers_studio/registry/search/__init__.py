"""The search index of names, columns and models, and the queries over it."""
