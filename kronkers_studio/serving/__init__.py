"""The program inside the container: HTTP front, model worker, live statistics. Stands alone."""
