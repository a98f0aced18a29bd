"""Jobs and computations, which run in separate processes. Each project has a queue of jobs; each job has a log."""
