"""One model behind HTTP, ours beside the servers that people would use instead, on the same rows in one run.

work        the model and the rows that every server is asked
peers       the servers as data: what is installed, how one is started, how it is asked
programs/   what those run who need a program of one's own
load        requests over many connections, from a process of its own
measuring   one server: its start, its memory, its processor time a request, its response times
comparing   all of them in turn, as ratios (``python -m benchmarks --serving``)
"""
