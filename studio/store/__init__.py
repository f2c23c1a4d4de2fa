"""SQLite: the catalogue of a workspace and one file per dataset, each with numbered migrations."""
