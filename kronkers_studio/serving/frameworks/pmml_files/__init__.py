"""Models of PMML, evaluated by `kronkers_studio.pmml`.

pmml_model      the document's model, asked for rows
"""
