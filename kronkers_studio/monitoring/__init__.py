"""Live metrics: reading them from a service, keeping them as series, giving them back as windows."""
