"""Tests with real things: processes, databases, the pocket model, a browser."""
