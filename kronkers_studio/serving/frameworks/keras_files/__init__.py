"""Models of Keras 3.

keras_model      the model, computed by JAX on the processor
keras_weights    its weights, looked at before Keras reads them
"""
