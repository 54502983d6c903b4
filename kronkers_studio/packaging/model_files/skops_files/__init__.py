"""Files of skops: a zip archive with one description of a Python object, and its arrays.

schema_reader   from the archive to the symbols that a pickle of the same object would have
nodes           each node of the description as such a symbol
stored_arrays   arrays of numpy and scipy in the archive: type, shape, and content where it is small

What the symbols may be is for ``pickles`` to say, as of every pickle. ``kronkers_studio/serving`` loads such files with
a reader of its own, which makes of each node what is told here.
"""
