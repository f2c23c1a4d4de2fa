"""How the shipped tiny model is made: its world, tokenizer, pretraining, samples, rules and evaluation."""
