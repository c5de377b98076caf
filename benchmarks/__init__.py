"""Ours beside what a user would call instead, measured in alternation in one run."""
