"""Training: methods, what they are asked to do, and how a run tells what happens."""
