"""The database engine used when DATABASE_URL is absent: a PostgreSQL that comes up by itself.

Django loads `base.py` from here (ENGINE = "billing_site.embedded_postgres"); `server.py` starts and
finds the server, `keeper.py` is the process that owns it.
"""
