"""What comes over HTTP and what goes back: the routes of the service, and the checks before them.

app            the service as one ASGI application
routes         which part of it answers at which address
inference      the Open Inference Protocol v2
prediction     rows as JSON or CSV, and the same back
access         who may ask
identity       the secret of a release
bodies         requests' bodies, within bounds
connections    one connection, whose headers are bounded in size and time
unsent         answers that wait to be read, within bounds
upgrades       a parser that declines other protocols, and keeps the body
answers        what goes back
request_ids    what names one request
request_log    a line of the log for each request
recorded_rows  what was recorded, sealed, and its removal
openapi        the OpenAPI document of the service
try_it         the page for trying the model in a browser
"""
