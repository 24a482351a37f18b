"""A simulated SaaS: its own process, storage, API, signed webhooks and a page for people.

It is the counterpart of the demo and of the tests. No Django in it, and nothing of the hub:
it must be as foreign to the hub as any real provider.
"""
