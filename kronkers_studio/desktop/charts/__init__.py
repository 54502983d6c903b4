"""Live charts over time, on pyqtgraph's view: cards that share one time range, one crosshair and one look."""
