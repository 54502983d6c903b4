"""ONNX graphs: what they take and give, read with the library ``onnx``; nothing is run.

onnx_models     a graph's inputs, outputs and maker
onnx_classes    the names of a classifier's classes, whoever exported it
onnx_weights    files beside the graph that hold its weights
"""
