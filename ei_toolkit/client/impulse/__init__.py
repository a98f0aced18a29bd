"""The impulse as code: [impulse] of eitk.toml, compared with the impulse of the studio and applied to it."""
