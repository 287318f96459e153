"""Reads of the dashboard's pages."""
