"""Programs that PyTorch saved as TorchScript: what they call, take and answer. Nothing of them is run.

scripts             from the archive to what is known of the program
programs            its code, and the operators that it calls
listed_operators    those that it may call, made from PyTorch itself
"""
