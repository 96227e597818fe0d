"""``python -m gateway submit``: a client of the HTTP API for whole folders, which knows only the address."""
