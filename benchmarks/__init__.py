"""Benchmarks: the real program measured as people run it, beside the tools they would use instead.

shapes      folders like those that people bring in, of several shapes, the same every time, and their edits
texts       what the files in them contain
measuring   one command as a process: time, processor time, peak memory
tools       git, restic, borg, dvc and ours behind one interface: commands as data
peers       all of them on the same folders, interleaved, as ratios (the default benchmark)
targets     what is asked of us
serving     our service beside MLServer, BentoML, LitServe, MLflow and plumber (``services`` has its parts)
profiling   where the time of our own steps goes
registry    the benchmarks by name; a new one is a module and one line there
"""
