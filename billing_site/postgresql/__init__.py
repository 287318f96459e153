"""Django's PostgreSQL engine: whole rows' SQL worked out once, no index twice (ENGINE = "billing_site.postgresql").

`base.py` is what Django loads; `compiler.py` and `schema.py` are what is different.
"""
