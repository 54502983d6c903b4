"""Which libraries a model's service runs on: evidence of them, the lock, and the wheels that it means.

dependency_evidence    what the files beside a model say of the libraries that its code uses
locking                requirements to a lock of exact versions with hashes
wheels                 the very files that a lock means
wheel_download         fetching those files
torch_builds         PyTorch without code for graphics cards
uv_program             running uv, which resolves and installs
"""
