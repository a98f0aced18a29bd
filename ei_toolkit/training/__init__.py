"""Models: visual layers to Keras, training, quantisation, inference, evaluation.

Only `train` and what it calls need TensorFlow; `infer`, `metrics`, `request` and `split` do not.
"""
