"""How much a session has sent, by budget and by host: the one state behind `upload-budget` and `unusual-volume`."""

from collections import Counter
from collections.abc import Callable, Sequence
from threading import Lock

from pipeline.host_policy import Budget

BudgetsOf = Callable[[str, int], Sequence[Budget]]


class Ledger:
    """Counts what is sent, all flows of a session together. Locked: compressed chunks are read in threads."""

    def __init__(self, budgets_of: BudgetsOf) -> None:
        """`budgets_of` answers which budgets are for a host and port, by the policy as it is at the time."""
        self._budgets_of = budgets_of
        self._lock = Lock()
        self._spent: Counter[str] = Counter()
        self._sent: Counter[str] = Counter()
        self._crossed: Counter[str] = Counter()

    def fits(self, host: str, port: int, count: int) -> bool:
        """Whether so many more bytes would stay within every budget. Counts nothing."""
        budgets = self._budgets_of(host, port)
        with self._lock:
            return self._fits(budgets, count)

    def spend(self, host: str, port: int, count: int) -> bool:
        """Count bytes that are about to be sent; False where they pass a budget: then none is counted, or may go."""
        budgets = self._budgets_of(host, port)
        with self._lock:
            if not self._fits(budgets, count):
                return False
            self._add(budgets, host, count)
            return True

    def give_back(self, host: str, port: int, count: int) -> None:
        """What was counted has not been sent."""
        budgets = self._budgets_of(host, port)
        with self._lock:
            self._add(budgets, host, -count)

    def has_crossed(self, host: str, limit: int) -> bool:
        """Whether the bytes for a host have passed `limit`, or a further multiple of it, since this was last asked."""
        with self._lock:
            times = self._sent[host] // limit if limit else 0
            is_new = times > self._crossed[host]
            self._crossed[host] = max(times, self._crossed[host])
            return is_new

    def _fits(self, budgets: Sequence[Budget], count: int) -> bool:
        return count <= 0 or all(self._spent[budget.name] + count <= budget.max_bytes for budget in budgets)

    def _add(self, budgets: Sequence[Budget], host: str, count: int) -> None:
        for name in {budget.name for budget in budgets}:
            self._spent[name] += count
        self._sent[host] += count
