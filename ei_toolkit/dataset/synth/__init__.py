"""Synthetic demo clips: two plainly different textures, so that the whole road can be tried without any music.

They are not music and not GTZAN; a model that tells them apart says nothing about real genres.
"""

from ei_toolkit.dataset.synth.write import write_demo_clips

__all__ = ["write_demo_clips"]
