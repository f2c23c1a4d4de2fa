"""The child's side of a job: one function per job kind, found by the entry in `studio.worker.__main__`."""
