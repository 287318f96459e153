"""Rows for tests, made through the models by plain keyword functions. Every date is fixed."""
