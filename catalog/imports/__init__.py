"""Catalogs brought in from elsewhere: read, checked and planned without a database, then written in bulk."""
