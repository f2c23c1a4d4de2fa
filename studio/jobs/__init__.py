"""Jobs: a folder with a spec that is written once, a log that only grows, and a keeper that tells the truth about its end."""
