"""Two commits into one: trees merged path by path, renames followed, contents by what they are."""
