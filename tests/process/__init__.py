"""Real jobs in real processes: they finish, stop, fail, are killed, and outlive the app."""
