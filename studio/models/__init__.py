"""Base models: which there are, how they are loaded, how a conversation becomes tokens, what the machine does with them."""
