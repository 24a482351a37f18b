"""Doubles: small servers that speak a provider's documented dialect, so that its file can be tried without an account.

A double is written from the provider's documentation and never from the connector that it is there to try.
"""
