"""The mapping editor: what a provider's fields could mean, and what a mapping makes of a real record.

It writes nothing. It knows a sync's fields and a provider's object, and no page: a page includes its partial.
"""
