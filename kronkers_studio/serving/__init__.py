"""The program inside the container: one model behind HTTP, alone in its process.

It stands alone: it imports nothing of the rest of Kronkers Studio, and the rest never imports it, because it runs with
the model's own Python and dependencies. Words: a *manifest* (``model.json``) says what the model file is; a *tensor* is
a named array of the Open Inference Protocol; a *row* is one case to predict, as ``POST /predict`` takes it; a *refusal*
is an answer 4xx that says in a sentence what is wrong with the request.

    python -m kronkers_studio.serving --model FOLDER [--host 127.0.0.1] [--port 0] [--ready-file FILE] …
"""
