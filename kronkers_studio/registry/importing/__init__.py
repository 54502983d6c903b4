"""Files into packs: what is new is read, sealed and written, by one thread or by a process beside it."""
