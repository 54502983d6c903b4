"""The program inside the container: one model behind HTTP, in its process or in some beside it.

It stands alone: it imports nothing of the rest of Kronkers Studio, and the rest never imports it, because it runs with
the model's own Python and dependencies. Words: a *manifest* (``model.json``) says what the model file is; a *tensor* is
a named array of the Open Inference Protocol; a *row* is one case to predict, as ``POST /predict`` takes it; a *refusal*
is an answer 4xx that says in a sentence what is wrong with the request.

http            routes, checks before them, what comes in and what goes back
inputs          what a request says, as the arrays that a model takes
frameworks      models of every framework
metrics         what is counted while a model answers
recording       a sample of the rows, kept sealed
server          the service, from start to end
http_server     the HTTP server: ready when the model is, stopped without losing a request
warm_up         the model's first answers, before the service is ready
model_loader    a package's folder to a model that is ready
execution       predictions beside the event loop
turns           quick ones on it
batches         several requests as one call of the model
answer_columns  a model's answers as a table
manifest        what the package says of its model
model           what every model can do
signature       the inputs and outputs of a model
model_worker    the program of a process that holds a model of Python beside the service
model_failures  what a model raised, in whichever process
problems        what is wrong with a request or with a package, in a sentence
logs            the log, a line of JSON for each event
cores           how many processors the service may use
memory          how much memory is taken, and left
stop_file       a stop that is asked for by a file

Imports point down (a contract in pyproject.toml).

    python -m kronkers_studio.serving --model FOLDER [--host 127.0.0.1] [--port 0] [--ready-file FILE] …
"""
