"""The little shop that the pocket model knows, in English and Japanese, as data and as seeded generators."""
