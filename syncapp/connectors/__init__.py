"""The hands: speak to remote systems. No Django, no models, no policies in here.

Start with ``registry.load(slug)`` for a manifest and ``client.Client`` to talk to one account of it.
"""
