"""Payments under torture: a processor that loses calls and answers, workers that are killed, webhooks that lie.

Everything is real: worker processes and their deaths, HTTP, a PostgreSQL of its own, the webhooks' view. The other
side is a fake Stripe in a process of its own (`python -m tests.fake_stripe`), whose books are compared with ours.
"""
