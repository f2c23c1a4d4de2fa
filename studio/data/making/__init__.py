"""New rows out of a few that are there: by a template, or by a model that has seen some of them."""
