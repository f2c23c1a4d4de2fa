"""Preferences: pairs of replies, votes on them, and the training rows that votes become. Nothing here touches a disk."""
