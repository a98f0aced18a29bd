"""The EON-style compiler: a .tflite becomes C++ without an interpreter, with the same outputs bit for bit.

The steps: `reader` (flatbuffer to a typed graph) -> `passes` (a smaller graph) -> `kernels` (kernels, constants and
scratch memory) -> `memory_plan` (one arena) -> `emit` (C++ text). `compile` does all of them; `run` and `profile`
execute the result on the host and on an emulated Cortex-M4F. `library` packages it with the processing blocks.
"""
