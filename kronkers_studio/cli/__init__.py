"""The command line: Typer commands, text and JSON printers. Each command calls one workflow.

main              the root command, and which module has which commands

The commands:
content           the workspace and what is in it: init, projects, log, show, ls, restore, check
files             one file: read, save
migrating         bringing folders in: migrate, status, folder
versions          diff, branch, merge, tag
working_copies    checkout, checkouts, commit, update, open
new_projects      new
tables            table
maintenance       gc, trash, registry
keys              key
models            model, package, verify, search; ``model_versions`` has what is said of versions,
                  ``model_history`` how that changed,
                  ``allowances`` what one may use, ``signatures`` what one takes, ``profiles`` the data that one was
                  trained on, ``model_tests`` tests them, ``row_comparisons`` asks two the same rows,
                  ``searching`` search
image_registries  image-registry
package_cache     cache
language_bases    base
servers           server
gateways          gateway, consumer
diagnostics       diagnostics, logs
releases          release, releases, rollback, stop, start, autostart, predict, address
live_metrics      metrics
recorded_rows     rows

Behind them:
terminal          one run of a command: its workspace, printers, progress, exit code; ``interruption`` ends it early
streams           standard output and error, which take any text; ``bars`` draws progress
json_output       domain objects as JSON documents with stable field names
plain_text        sizes, times and tables for people; ``migration_text`` and ``difference_text`` say more at length
numbers           how large the numbers of options may be
"""
