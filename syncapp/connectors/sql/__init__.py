"""Tables of a database as objects of an account, through SQLAlchemy: PostgreSQL, MySQL and MariaDB, SQLite.

Start with ``client.SqlClient`` to speak to the chosen tables, and ``describe`` to see which there are to choose from.
"""
