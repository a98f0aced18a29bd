"""Training: visual layers to Keras, fitting, quantisation, measuring. Runs in job processes.

`request` and `split` can be imported without TensorFlow; the other modules import it when they run.
"""
