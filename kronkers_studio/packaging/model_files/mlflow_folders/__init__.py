"""Folders as MLflow saves models: what their MLmodel says, used as evidence about the model's own file in them.

evidence           what MLmodel adds to what the model's own file says, and where the two differ
mlmodel            the file MLmodel: flavors, the model's own file, versions
schemas            what MLmodel says of columns and tensors
yaml_documents     YAML from anywhere, read with bounds and without its code
"""
