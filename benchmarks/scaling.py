"""What a million, a hundred million and a thousand million users need: computed from what one of each thing costs.

    .venv/bin/python -m benchmarks.scaling

The tables of `docs/scaling.md` are its output; a test keeps the two alike. `benchmarks.unit_costs` measures what is
written down here. Measure where you run it, write your figures here, and print again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Milliseconds of one core for one request, by the service and by PostgreSQL.
SIGN_IN, REFRESH, READ, FEED, JWKS = (30.3, 2.3), (2.8, 0.6), (1.1, 0.2), (2.3, 0.3), (0.15, 0.0)
# Bytes of one row with its indexes, measured at a hundred thousand users.
USER, SEARCH_TERM, SESSION, AUDIT_EVENT, THROTTLE_COUNTER = 499, 195, 613, 441, 228
HASH_MEMORY_MB, PROCESS_MB, CONNECTIONS_A_PROCESS = 19, 110, 10
FEED_BYTES, FEED_ENTRY_BYTES, JWKS_BYTES = 400, 120, 900

# What is assumed.
ACTIVE_A_DAY, SIGN_INS, REFRESHES, READS, SIGN_OUTS = 0.2, 0.3, 8.0, 10.0, 0.3  # of all; then each active user a day
PEAK = 3.0  # the busiest time, as a multiple of the mean
SESSIONS, TERMS, FAMILIAR_NETWORKS, AUDIT_EVENTS_A_SIGN_IN, AUDIT_DAYS = 1.25, 4.5, 1.0, 1.5, 365
WINDOW_SECONDS = 690.0  # for how long the feed lists an entry
POLL_SECONDS, HASTY_POLL_SECONDS, JWKS_SECONDS = 10.0, 1.1, 300.0  # how often a verifier asks
USE_OF_CORES = 0.6  # how busy a core may be at the peak
SIZES: dict[int, int] = {1_000_000: 20, 100_000_000: 500, 1_000_000_000: 5_000}  # users, and verifiers that follow

# What one of them can do: a primary of this size, and everything that only one row or one process can do.
PRIMARY_CORES, PRIMARY_STORAGE_TB, PRIMARY_CONNECTIONS = 64, 10.0, 2_000
COMMITS_A_SECOND = 20_000.0  # group commit on a local NVMe
REVOCATIONS_A_SECOND = 700.0  # one row numbers them, locked until the commit
FEED_MEGABYTES_A_SECOND = 1_000.0  # a 10 Gbit/s network


@dataclass(frozen=True, slots=True)
class Needs:
    """What so many users need at the busiest time."""

    users: int
    verifiers: int

    @property
    def active(self) -> float:
        """How many of the users come on one day."""
        return self.users * ACTIVE_A_DAY

    def rate(self, each_a_day: float) -> float:
        """Return how often a second, when each active user does it so often a day."""
        return self.active * each_a_day * PEAK / 86_400

    @property
    def revocations(self) -> float:
        """How many sessions people end a second; those that just expire are in no feed."""
        return self.rate(SIGN_OUTS)

    @property
    def feed_polls(self) -> float:
        """A verifier asks again as soon as there was news, but not at once."""
        return self.verifiers / max(HASTY_POLL_SECONDS, min(POLL_SECONDS, 1 / self.revocations))

    def cores(self, place: int) -> float:
        """Return the cores of the service (0) or of PostgreSQL (1)."""
        rates = (
            (self.rate(SIGN_INS), SIGN_IN),
            (self.rate(REFRESHES), REFRESH),
            (self.rate(READS), READ),
            (self.feed_polls, FEED),
            (self.verifiers / JWKS_SECONDS, JWKS),
        )
        return max(1.0, sum(rate * cost[place] for rate, cost in rates) / 1000 / USE_OF_CORES)

    @property
    def service_memory_gb(self) -> float:
        """A process for each core, and a hash at a time in each."""
        return self.cores(0) * (PROCESS_MB + HASH_MEMORY_MB) / 1000

    @property
    def connections(self) -> float:
        """Each process keeps a pool."""
        return self.cores(0) * CONNECTIONS_A_PROCESS

    @property
    def accounts_gb(self) -> float:
        """Users, what they are found by, their sessions, and where they are known."""
        row = USER + TERMS * SEARCH_TERM + SESSIONS * SESSION + FAMILIAR_NETWORKS * THROTTLE_COUNTER
        return self.users * row / 1e9

    @property
    def audit_gb(self) -> float:
        """What is recorded in AUDIT_DAYS; nothing is ever removed by itself."""
        return self.active * SIGN_INS * AUDIT_EVENTS_A_SIGN_IN * AUDIT_DAYS * AUDIT_EVENT / 1e9

    @property
    def working_set_gb(self) -> float:
        """What should be in memory: the accounts and sessions of who is active."""
        return self.accounts_gb * ACTIVE_A_DAY

    @property
    def commits(self) -> float:
        """A sign-in commits three times, a refresh and a sign-out once."""
        return self.rate(3 * SIGN_INS + REFRESHES + SIGN_OUTS)

    @property
    def full_list_mb(self) -> float:
        """What a verifier fetches at its start."""
        return (FEED_BYTES + self.revocations * WINDOW_SECONDS * FEED_ENTRY_BYTES) / 1e6

    @property
    def feed_mb_a_second(self) -> float:
        """Each verifier gets each entry once, and the frame of every answer."""
        return (self.feed_polls * FEED_BYTES + self.verifiers * self.revocations * FEED_ENTRY_BYTES) / 1e6

    @property
    def jwks_kb_a_second(self) -> float:
        """Keys are kept for as long as their document says."""
        return self.verifiers / JWKS_SECONDS * JWKS_BYTES / 1e3


_ROWS: Sequence[tuple[str, Callable[[Needs], float]]] = (
    ("sign-ins a second", lambda needs: needs.rate(SIGN_INS)),
    ("refreshes a second", lambda needs: needs.rate(REFRESHES)),
    ("other authenticated requests a second", lambda needs: needs.rate(READS)),
    ("cores of the service", lambda needs: needs.cores(0)),
    ("memory of the service, GB", lambda needs: needs.service_memory_gb),
    ("cores of PostgreSQL", lambda needs: needs.cores(1)),
    ("commits a second", lambda needs: needs.commits),
    ("memory of PostgreSQL for what is in use, GB", lambda needs: needs.working_set_gb),
    ("connections without a pooler", lambda needs: needs.connections),
    ("storage: accounts and sessions, GB", lambda needs: needs.accounts_gb),
    ("storage: a year of audit events, GB", lambda needs: needs.audit_gb),
    ("verifiers that follow the feed (assumed)", lambda needs: needs.verifiers),
    ("revocations a second", lambda needs: needs.revocations),
    ("full list of the feed, MB", lambda needs: needs.full_list_mb),
    ("feed traffic, MB a second", lambda needs: needs.feed_mb_a_second),
    ("JWKS traffic, kB a second", lambda needs: needs.jwks_kb_a_second),
)
# Each grows in proportion to the users, or faster: the largest size that is computed says where it gives out.
_LIMITS: Sequence[tuple[str, float, Callable[[Needs], float], str]] = (
    ("connections to one primary", PRIMARY_CONNECTIONS, lambda needs: needs.connections, "PgBouncer"),
    ("numbering revocations", REVOCATIONS_A_SECOND, lambda needs: needs.revocations, "an issuer per region or tenant"),
    ("feed traffic", FEED_MEGABYTES_A_SECOND, lambda needs: needs.feed_mb_a_second, "a relay in each cluster"),
    ("cores of one primary", PRIMARY_CORES, lambda needs: needs.cores(1), "read replicas for lists, then Citus"),
    ("commits of one primary", COMMITS_A_SECOND, lambda needs: needs.commits, "Citus or the like"),
    (
        "storage of one primary, accounts",
        PRIMARY_STORAGE_TB * 1000,
        lambda needs: needs.accounts_gb,
        "Citus or the like",
    ),
    ("storage of one primary, audit", PRIMARY_STORAGE_TB * 1000, lambda needs: needs.audit_gb, "export, then delete"),
)


def tables() -> str:
    """Return both tables as Markdown."""
    needs = [Needs(users, verifiers) for users, verifiers in SIZES.items()]
    head = ["| at the peak | " + " | ".join(f"{each.users / 1e6:,.0f} M users" for each in needs) + " |"]
    head.append("|---|" + "---:|" * len(needs))
    rows = [f"| {name} | " + " | ".join(_number(of(each)) for each in needs) + " |" for name, of in _ROWS]
    found = sorted((_users_at(limit, of), name, limit, after) for name, limit, of, after in _LIMITS)
    limits = [
        "| what gives out | one of it can do | at about | what takes over |",
        "|---|---:|---:|---|",
        *(
            f"| {name} | {_number(limit)} | {_number(users / 1e6)} M users | {after} |"
            for users, name, limit, after in found
        ),
    ]
    return "\n".join([*head, *rows, "", *limits])


def _users_at(limit: float, of: Callable[[Needs], float]) -> float:
    """Return how many users need that much; the verifiers grow along, in proportion to those of the middle size."""
    few, many = 1_000.0, 1e12
    a_verifier_for = 100_000_000 / SIZES[100_000_000]
    while many / few > 1.001:  # noqa: PLR2004 - far more exactly than anything that goes in
        middle = (few * many) ** 0.5
        is_below = of(Needs(int(middle), max(1, int(middle / a_verifier_for)))) < limit
        few, many = (middle, many) if is_below else (few, middle)
    return few


def _number(value: float) -> str:
    """Write two digits that mean something, as a person would."""
    if value == int(value) or value >= 100:  # noqa: PLR2004 - from here on whole numbers
        digits = max(len(str(int(value))) - 2, 0)
        rounded = value if value == int(value) and value % 10 == 0 else round(value / 10**digits) * 10**digits
        return f"{rounded:,.0f}"
    return f"{value:.2g}"


if __name__ == "__main__":
    print(tables())
