"""Benchmarks: the real program measured as people run it, beside the tools they would use instead.

tree        a folder like those that people bring in, the same every time, and its edits
measuring   one command as a process: time, processor time, peak memory
tools       git, restic, borg, dvc and ours behind one interface: commands as data
peers       all of them on the same tree, interleaved, as ratios (the default benchmark)
scale       ours on ten times as many files
profiling   where the time of our own steps goes
registry    the benchmarks by name; a new one is a module and one line there
"""
