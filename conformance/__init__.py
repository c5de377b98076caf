"""The laws of every formula, and the proof that two backends agree."""
