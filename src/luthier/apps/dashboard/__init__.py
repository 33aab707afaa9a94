"""The dashboard: pages of studies that go on while one looks, served to one's own browser."""

from luthier.apps.dashboard.server import serve

__all__ = ["serve"]
