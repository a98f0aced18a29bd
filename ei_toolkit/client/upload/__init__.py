"""Upload windows to the studio: compare, send in batches, retry, and record what has arrived."""
