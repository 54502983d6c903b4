"""ONNX models.

onnx_model     the model, run by ONNX Runtime on the processor
onnx_labels    the class names in the file
"""
