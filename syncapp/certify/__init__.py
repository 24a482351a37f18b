"""One conformance suite for every provider: what its file declares, tried on a double, a real server or an account.

`run.check` takes a place (an account that can be reached, with controls if there are any) and answers results; nothing
in here knows a provider by name but `servers/`, which starts the real ones of the development environment.
"""
