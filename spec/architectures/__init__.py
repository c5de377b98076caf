"""Configurations of the architectures, one file per family: the tables of the papers, as trees of layers."""
