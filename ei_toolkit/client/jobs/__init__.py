"""Jobs of the studio: start one or attach to it, wait until it ends, and show its progress."""
