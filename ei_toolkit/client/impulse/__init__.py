"""The impulse as code: [impulse] of eitk.toml against what the project has."""
