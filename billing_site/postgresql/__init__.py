"""Django's PostgreSQL engine, with the SQL of whole rows worked out once (ENGINE = "billing_site.postgresql").

`base.py` is what Django loads; `compiler.py` is what is different.
"""
