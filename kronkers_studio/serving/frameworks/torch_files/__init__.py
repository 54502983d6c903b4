"""Models of PyTorch.

torch_model      programs, run on the processor; TorchScript
weights_model    weights in a class of the package's own code
exported_model   exported programs
"""
