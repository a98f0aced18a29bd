"""The definition of an impulse: processing blocks, layers, parameter ranges, features, variants and metrics."""
