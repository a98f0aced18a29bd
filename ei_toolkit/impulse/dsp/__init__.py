"""Processing blocks (spectrogram, MFE, MFCC) equal to the published ones: raw samples in, features out."""

from ei_toolkit.impulse.dsp.block import BlockDescription, Parameter
from ei_toolkit.impulse.dsp.registry import block_types, describe, output_shape, run, run_many, tables

__all__ = ["BlockDescription", "Parameter", "block_types", "describe", "output_shape", "run", "run_many", "tables"]
