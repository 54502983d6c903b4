"""The command line: Typer commands, text and JSON printers. Each command calls one workflow.

terminal     one run of a command: its workspace, printers, progress, exit code
documents    domain objects as JSON documents with stable field names
content      init, projects, migrate, status, log, show, ls, restore, check
models       model register/list/show/alias, package
servers      server add/list/check/setup/remove
releases     release, releases, rollback, stop, predict, address, metrics
main         the root command
"""
