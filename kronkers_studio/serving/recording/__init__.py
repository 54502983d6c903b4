"""A sample of the rows that were asked, with what was answered: kept sealed, so that only the workspace can read it.

recorder     which requests are kept, and the thread that writes them
documents    several requests as one document
sealing      a document that only the workspace opens
ring         the files it is kept in, in which the newest take the place of the oldest

Nothing here fails or delays an answer: what cannot be kept is counted, logged and told by the service's health.
Why it is as it is: docs/decisions/0038-recorded-rows.md.
"""
