"""Jobs as processes of their own: a queue a project, a log a job, and nobody left behind."""
