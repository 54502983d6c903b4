"""Folders as objects: their format, reading, writing and differences; commits point at them."""
