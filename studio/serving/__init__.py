"""The model server, OpenAI-compatible HTTP on loopback, and the client of any endpoint that speaks the same."""
