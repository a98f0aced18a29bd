"""Honest evaluation: held-out artists, trivial baselines beside it, and what the microphone does to it."""

from ei_toolkit.evaluation.folds import PROTOCOLS, Protocol
from ei_toolkit.evaluation.scores import Scores, TrackScore, accuracies, summarise, track_scores

__all__ = ["PROTOCOLS", "Protocol", "Scores", "TrackScore", "accuracies", "summarise", "track_scores"]
