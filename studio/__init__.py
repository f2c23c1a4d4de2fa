"""Whetstone: sharpen a language model on your own examples."""
