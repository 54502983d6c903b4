"""What comes over HTTP and what goes back: the routes of the service, and the checks before them.

app            the service as one ASGI application
inference      the Open Inference Protocol v2
prediction     rows of JSON to plain JSON
access         who may ask
identity       the secret of a release
bodies         requests' bodies, within bounds
connections    one connection, whose headers are bounded in size and time
answers        what goes back
"""
