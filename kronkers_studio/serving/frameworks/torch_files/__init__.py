"""Models of PyTorch.

torch_model      TorchScript programs, run on the processor
exported_model   exported programs
"""
