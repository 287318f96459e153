"""A stateful Stripe of our own, over real HTTP on loopback: what the tests and the torture talk to.

`FakeStripe` runs it in a thread of this process; `python -m tests.fake_stripe` as a process of its own, steered
over HTTP under /_fake/. Its books (`Books.audit`) are the other side of every comparison.
"""

from tests.fake_stripe.server import FakeStripe

__all__ = ["FakeStripe"]
