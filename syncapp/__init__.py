"""The clerk: remembers what systems hold and carries changes between them; also the Django project package."""
