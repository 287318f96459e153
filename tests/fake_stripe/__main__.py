"""python -m tests.fake_stripe [--port N]: prints its address on one line and serves until it is ended."""

import argparse
import signal
import sys

from tests.fake_stripe.server import FakeStripe


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    fake = FakeStripe(port=parser.parse_args().port).start()
    sys.stdout.write(f"{fake.url}\n")
    sys.stdout.flush()
    try:
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    finally:
        fake.stop()


if __name__ == "__main__":
    main()
