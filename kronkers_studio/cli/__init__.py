"""The command line: Typer commands, text and JSON printers."""
