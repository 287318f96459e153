"""What may go wrong on purpose: armed one by one, or thrown by dice."""

import random
import re
from dataclasses import dataclass

KINDS = ("500_before", "500_after", "429", "drop_before", "drop_after", "401")


@dataclass
class Fault:
    """The next `times` requests whose "METHOD path" matches go wrong this way."""

    kind: str
    matching: str = ""
    times: int = 1
    skip: int = 0


class Faults:
    def __init__(self) -> None:
        self.armed: list[Fault] = []
        self.rates: dict[str, float] = {}
        self.dice = random.Random(1)
        self.thrown: dict[str, int] = {}

    def arm(self, kind: str, matching: str = "", *, times: int = 1, skip: int = 0) -> None:
        assert kind in KINDS, kind
        self.armed.append(Fault(kind, matching, times, skip))

    def throw(self, rates: dict[str, float], seed: int = 1) -> None:
        """From now on each request goes wrong by these chances; none: the line is good."""
        assert set(rates) <= set(KINDS)
        self.rates, self.dice = rates, random.Random(seed)

    def next_for(self, method: str, path: str) -> str:
        """The fault of this request; blank for none."""
        for fault in self.armed:
            if re.search(fault.matching, f"{method} {path}"):
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if not fault.times:
                    self.armed.remove(fault)
                return self._count(fault.kind)
        fate = self.dice.random()
        for kind, chance in self.rates.items():
            fate -= chance
            if fate < 0:
                return self._count(kind)
        return ""

    def _count(self, kind: str) -> str:
        self.thrown[kind] = self.thrown.get(kind, 0) + 1
        return kind
