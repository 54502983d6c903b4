"""Live metrics: reading them from a service, keeping them as series, giving them back as windows."""

from kronkers_studio.monitoring.sampler import Sampler
from kronkers_studio.monitoring.store import SeriesStore

__all__ = ["Sampler", "SeriesStore"]
