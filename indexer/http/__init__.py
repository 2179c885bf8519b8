"""The index over HTTP and WebSocket: the read side of the perpetual API, the reserve, health and figures.

app        the application: `create_app`
edge       what surrounds every request: limits, headers, HEAD, failures
perpetual, assets, accounts, races, prop, probes    the endpoints, by topic
views      the bodies, from the answers of `indexer.queries`
models     what the bodies are declared as
errors     the envelope and its codes
service    the database, its answers (`cache`), what changes it (`changes`), the chain's time (`clock`)
streams    what readers of WebSockets are told, and when; `socket` is one such connection
limits     how often one client may ask
health     whether the index can be relied on; `metrics` are its figures
openapi    the description, made true
server     the application on a port
"""
