"""Models that Keras 3 saved (.keras): what their configuration names, takes and answers. Nothing of it is built.

archives           from the archive to what is known of the model
configurations     which classes and functions it names, and why it is refused
listed_classes     those that a model may name, made from Keras itself
signatures         what such models take and give
"""
