"""The Python library for notebooks: a workspace's tables, models and live numbers as pandas frames.

    import kronkers_studio as ks
    ws = ks.open()
    frame = ws["analytics"].read("Quality/wine.csv", at="main")

``import kronkers_studio`` loads none of this; pandas is loaded by the first call that needs it. Values go in and out in
memory: nothing of a model or a table is left in a file of this computer. Errors are those of ``domain.errors``, and say
what to do next.

workspace      ``open``, and what an open workspace offers
project        one project: its files read, saved, listed, compared
registration   what a model is registered with, and how versions are listed; ``series`` are live numbers as a frame
model          one version of a model: packaged, put live, asked
frames         columns of a file as a frame; ``labels`` are its index and the names of its columns
table_writing  a frame as the bytes of a file; ``parquet_writing`` keeps all that pandas knows of it,
               ``json_writing`` every digit
rows           a frame as the rows that a model is sent, and the answers beside its index
model_writing  a fitted model as the bytes of a file, and the libraries that it was made with
calls          interrupted by Ctrl+C, told in lines, refused after a fork
display        what Jupyter shows
"""

from __future__ import annotations

from kronkers_studio.notebook.model import Model
from kronkers_studio.notebook.project import Project
from kronkers_studio.notebook.workspace import Workspace, open

__all__ = ["Model", "Project", "Workspace", "open"]
