"""The job side: what a worker process does. Only here dsp, learn and eon are imported."""
