"""Programs that PyTorch saved, as TorchScript and exported: what they call, take and answer. Nothing of them is run.

scripts             from the archive to what is known of the program
programs            its code, and the operators that it calls
listed_operators    those that it may call, made from PyTorch itself
exported            from the archive of an exported program to what is known of it
exported_programs   its description, the tensors that it takes and their bounds
exported_code       what of that PyTorch would look up or run
exported_changes    whether it changes its own weights
tensor_pickles      pickles that hold tensors and nothing else
safetensors         the names, types and shapes of weights without a program
weights             such weights with their program beside them
"""
