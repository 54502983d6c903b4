"""Models in processes beside the service: of R and Julia, run by their own language, and of Python.

worker_model      R and Julia: what goes in is checked, what comes out is known
python_workers    Python: whole tensors, and all that the loaded model says of itself
worker_problems   what goes wrong with either, as the service says it
worker_pool       several processes, started again when they end
worker_process    one process, asked over its pipes
tensor_frames     tensors between Python and Python
worker_frames     columns between Python and other languages, and what all frames of answers begin with

The programs of the other side: predict.R and predict.jl beside, and ``kronkers_studio.serving.model_worker``.
"""
