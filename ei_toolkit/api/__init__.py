"""The Python API, which the commands use as well. `ei_toolkit/__init__.pyi` lists its public names."""
