"""The tuner: search space, candidates, their cost on a board, and the search itself, which is Optuna's."""
