"""Honest evaluation: held-out artists, trivial baselines beside it, and what the microphone does to it."""

from ei_toolkit.learn.evaluate.folds import PROTOCOLS, Protocol
from ei_toolkit.learn.evaluate.scores import Scores, TrackScore, accuracies, summarise, track_scores

__all__ = ["PROTOCOLS", "Protocol", "Scores", "TrackScore", "accuracies", "summarise", "track_scores"]
