"""Classic mistakes in convolutions."""
