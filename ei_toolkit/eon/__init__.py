"""The EON-style compiler: a .tflite becomes C++ without an interpreter, with the same outputs bit for bit.

The way of a model: `reader` (flatbuffer to a typed graph) -> `passes` (a smaller graph) -> `layers` (kernels, constants
and scratch memory) -> `plan` (one arena) -> `emit` (C++ text). `compile` is the whole of it; `build` and `profile`
run the result on the host and on an emulated Cortex-M4F.
"""
