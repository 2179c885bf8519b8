"""What is answered beyond epochs, positions and the reserve, each question in a file of its own.

`moments` is one consistent view of a database and the stamp that every answer carries; `queries` gathers all.
"""
