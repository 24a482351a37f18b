"""The clerk: remembers what systems hold and carries changes between them; also the Django project package."""

# As in pyproject.toml; a test compares them.
VERSION = "0.1.0"
