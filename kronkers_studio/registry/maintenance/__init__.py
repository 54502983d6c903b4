"""Check, clean up and rebuild a workspace: what restic calls check, prune and repair."""
