"""Real servers for tests: each a set of Linux namespaces with its own sshd and Docker engine, on one machine.

``servers``         the lab, its servers, and what tests may do to them
``base_image``      the base image of packages, made once and cached
``secret_service``  a real Secret Service on a D-Bus session of its own
``fixtures``        the pytest plugin

``python -m tests.lab`` starts a lab by hand and stops it at Ctrl-C.
"""
