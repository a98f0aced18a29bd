"""The local studio: Edge Impulse's API served on this machine, and the work behind it.

app.py, server.py      two HTTP services (API with its live log, ingestion) in one process
launch.py, running.py  start one on demand; find the running one, stop it
lock.py, own_key.py    who holds a data folder; the key that eitk itself uses
routes/                what each path does: read the request, ask the store, answer
answers/               pure functions from rows to the JSON of Edge Impulse's schema
ingestion/             what arrives: multipart bodies, labels, headers of sample files
store/                 SQLite: one small class a table
packs.py, blobs.py     bytes on disk: the recordings of a request in one file; what jobs made, by its SHA-256
holes.py, allocator.py erasing part of a file; keeping freed memory
jobs/, live/           job processes, their logs, and the socket that follows them
worker.py, work/       the job process: features, training, tests, builds. The server computes nothing
"""
