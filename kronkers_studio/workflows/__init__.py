"""One typed function per user action, called alike by the window and the command line.

Every workflow takes a ``Session`` (an open workspace with what works on it) first and reports through ``Progress``
and ``CancelToken``. Workflows block: the window runs them through its task runner. They raise the expected failures of
``kronkers_studio.domain.errors`` and return ``domain`` objects.

session      making, opening and closing a workspace
migrating    plan a folder, bring it in
browsing     projects, history, folders, restore, check
versions     branches, tags, differences, merges
models       find, register, list and alias models
packages     build the image of a model version
servers      host keys, add, check, set up, remove
releases     put live, roll back, stop, send rows
metrics      live metrics, windows for charts, markers
demo         the main job on the bundled sample
"""
