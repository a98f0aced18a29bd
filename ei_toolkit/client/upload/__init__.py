"""Windows to samples: batched, resumable, each exactly once."""
