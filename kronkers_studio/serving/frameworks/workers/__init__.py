"""Models of R and Julia, run by their own language in processes beside the service.

worker_model      what goes in is checked, what comes out is known
worker_pool       several processes, started again when they end
worker_process    one process, asked over its pipes
worker_frames     what the two say to each other

The programs of the other side lie beside: predict.R and predict.jl.
"""
