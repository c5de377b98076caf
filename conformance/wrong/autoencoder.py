"""Classic mistakes in autoencoders."""
