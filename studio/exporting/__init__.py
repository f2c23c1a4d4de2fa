"""Taking a model out of the studio: written, packed, and read back in a fresh process before it counts as done."""

from studio.exporting.errors import ExportMismatch, ExportUnreadable

__all__ = ["ExportMismatch", "ExportUnreadable"]
