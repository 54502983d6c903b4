"""What the window does beside drawing: background tasks, one writer at a time, the open workspace, watched folders."""
