"""Evaluation on held-out artists, with baselines, and under changes that a microphone makes to the sound."""

from ei_toolkit.evaluation.folds import PROTOCOLS, Protocol
from ei_toolkit.evaluation.scores import Scores, TrackScore, accuracies, summarise, track_scores

__all__ = ["PROTOCOLS", "Protocol", "Scores", "TrackScore", "accuracies", "summarise", "track_scores"]
