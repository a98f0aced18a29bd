"""The local studio: Edge Impulse's API on this machine.

server, context, options   the server process: API with live log, ingestion and remote management of one data folder
lifecycle, manage          start, find and stop a server; manage projects and keys without one
transfer                   export and import of samples as a zip
http/                      one module for each resource: request schemas, responses, routes
store/                     SQLite tables, and the files that they refer to
jobs/                      job processes, and the compute worker that requests wait for
live/                      the live log over Socket.IO
remote/                    the remote management: devices that record samples
impulse, devices           blocks with their settings; devices to profile for
wire_format, coverage      times and JSON in the form of the API; which of its methods are implemented
"""
