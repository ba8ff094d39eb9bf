"""What a process says of itself when it is asked for metrics: a snapshot of what its rooms keep."""

from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import Metric

from auth_service.audit.events import AuditEvent, Outcome
from auth_service.authenticators.throttle_settings import ThrottleKind
from auth_service.db.engine import Database
from auth_service.db.pool_use import use_of_pool
from auth_service.mail.backlog import Backlog
from auth_service.monitoring.families import counter, gauge, gauges, histogram
from auth_service.monitoring.outbox_watch import OutboxWatch
from auth_service.monitoring.request_meter import RequestMeter
from auth_service.telemetry.connection_tally import ConnectionTally
from auth_service.version import VERSION
from auth_service.wiring.runtime import Runtime

_SIGN_IN_KINDS = (ThrottleKind.SIGN_IN, ThrottleKind.SECOND_FACTOR, ThrottleKind.RECOVERY_CODE)


def snapshot(runtime: Runtime, requests: RequestMeter) -> Iterator[Metric]:
    """Yield everything that is in memory; nothing waits for anybody."""
    yield gauges("info", "The release that runs; always 1.", ["version"], [((VERSION,), 1)])
    yield from _requests(runtime, requests)
    yield from _connections(requests.connections)
    yield from _sign_ins(runtime)
    yield from _hashes(runtime)
    yield from _databases(runtime)
    yield from _throttles(runtime)
    yield from _feed(runtime)
    yield from _keys(runtime)


def _requests(runtime: Runtime, requests: RequestMeter) -> Iterator[Metric]:
    counts = [((route, method, str(status)), count) for (route, method, status), count in requests.counts().items()]
    yield counter(
        "http_requests", "Finished requests; status 0: the caller was gone.", ["route", "method", "status"], counts
    )
    yield histogram(
        "http_request_seconds", "From a request's headers to its end.", ["route", "method"], requests.timings().items()
    )
    outages = _by_one(requests.outages)
    yield counter("unavailable", "Requests that were answered with 503, by what was missing.", ["code"], outages)
    refused = _by_one(runtime.refused_tokens)
    yield counter("bearer_tokens_refused", "Access tokens that did not let a request in.", ["reason"], refused)


def _connections(tally: ConnectionTally) -> Iterator[Metric]:
    yield gauge("connections", "Connections of clients that are open.", tally.open)
    yield gauge("connections_limit", "Connections of clients that there can be.", tally.limit)
    refused = _by_one(tally.refused)
    yield counter("connections_refused", "Connections ended for what clients did or left undone.", ["code"], refused)


def _sign_ins(runtime: Runtime) -> Iterator[Metric]:
    events, refused = runtime.audit_tally.events.copy(), runtime.throttle_counters.refused.copy()
    outcomes = {
        **runtime.audit_tally.refused_sign_ins.copy(),
        "succeeded": events[AuditEvent.SIGN_IN, Outcome.SUCCESS],
        "second_factor_asked": events[AuditEvent.SIGN_IN_CHALLENGED, Outcome.SUCCESS],
        "throttled": sum(refused[kind] for kind in _SIGN_IN_KINDS),
    }
    yield counter("sign_ins", "Sign-ins of people, by what became of them.", ["outcome"], _by_one(outcomes))
    yield counter(
        "security_events",
        "What the audit records, as far as this process did it or refused it.",
        ["event", "outcome"],
        [((event.value, outcome.value), count) for (event, outcome), count in events.items()],
    )


def _hashes(runtime: Runtime) -> Iterator[Metric]:
    hasher = runtime.hasher
    yield gauge("hash_workers", "Password hashes that can be computed at once.", hasher.workers)
    yield gauge("hash_queue_length", "Password hashes that wait for a worker.", hasher.queue_length)
    yield counter("hashes_turned_away", "Passwords not checked: the queue was full.", [], [((), hasher.turned_away)])
    yield histogram("hash_wait_seconds", "How long a hash waited for a worker.", [], [((), hasher.waits)])
    yield histogram("hash_seconds", "How long a hash took once it had a worker.", [], [((), hasher.durations)])


def _databases(runtime: Runtime) -> Iterator[Metric]:
    databases: dict[str, Database] = {"primary": runtime.database}
    if runtime.replica is not None:
        databases["replica"] = runtime.replica.database
    uses = {name: use_of_pool(database) for name, database in databases.items()}
    limit = runtime.settings.database.pool_size + runtime.settings.database.pool_overflow
    in_use, idle = {name: use.in_use for name, use in uses.items()}, {name: use.idle for name, use in uses.items()}
    limits = dict.fromkeys(uses, limit)
    yield gauges("pool_in_use", "Connections that requests work with.", ["database"], _by_one(in_use))
    yield gauges("pool_idle", "Connections that are open and idle.", ["database"], _by_one(idle))
    yield gauges("pool_limit", "Connections that there can be.", ["database"], _by_one(limits))
    is_up = None if runtime.replica is None else not runtime.replica.is_away
    yield gauge("read_replica_up", "Whether lists come from the read replica, where there is one.", is_up)


def _throttles(runtime: Runtime) -> Iterator[Metric]:
    by_kind = {kind.value: count for kind, count in runtime.throttle_counters.refused.copy().items()}
    refused = {**by_kind, "client_secret": runtime.client_secret_throttle.refused}
    yield counter("throttled", "Attempts that were too many (429), by what was tried.", ["kind"], _by_one(refused))
    is_up = not runtime.throttle_counters.store.is_away
    yield gauge("throttle_store_up", "Whether attempts are counted where the settings say.", is_up)


def _feed(runtime: Runtime) -> Iterator[Metric]:
    feed = runtime.revocation_feed
    yield gauge("feed_waiters", "Requests that wait for news of revocations.", feed.waiters)
    yield gauge("feed_entries", "Entries of the revocation feed, as last read.", feed.length)
    yield gauge(
        "feed_lag_seconds", "How long somebody has asked for revocations and no read succeeded.", feed.lag_seconds
    )
    yield histogram("feed_read_seconds", "How long a read of new revocations took.", [], [((), feed.reads)])


def _keys(runtime: Runtime) -> Iterator[Metric]:
    ages = runtime.key_ages
    age = None if ages is None else ages.active + ages.since_read
    due_in = None if ages is None or ages.due_in is None else ages.due_in - ages.since_read
    since_read = None if ages is None else ages.since_read
    yield gauge("signing_key_age_seconds", "How long the signing key has signed.", age)
    yield gauge("signing_key_due_seconds", "Until the next key takes over; negative when that is late.", due_in)
    yield gauge("signing_keys_read_age_seconds", "Since the stored keys were last read.", since_read)
    yield gauge(
        "can_sign", "Whether the process has opened the key that signs, and read the keys lately.", runtime.can_sign
    )


def outbox(watch: OutboxWatch, backlog: Backlog | None) -> Iterator[Metric]:
    """Yield how much mail waits, or that nobody knows."""
    yield gauge("outbox_up", "Whether the database said how much mail waits.", backlog is not None)
    yield gauge(
        "outbox_waiting", "Messages that are not sent yet, 10000 at most.", None if backlog is None else backlog.waiting
    )
    yield gauge(
        "outbox_given_up", "Messages that were given up, 10000 at most.", None if backlog is None else backlog.given_up
    )
    overdue = None if backlog is None else backlog.overdue_seconds
    yield gauge("outbox_overdue_seconds", "How long the first message that is due has been due.", overdue)
    faults = _by_one(watch.faults)
    yield counter("outbox_unread", "Times that the database did not say how much mail waits.", ["reason"], faults)


def _by_one(counts: Mapping[str, float]) -> list[tuple[tuple[str], float]]:
    """Return them as values of one label; a copy comes first, because others may be counting."""
    return [((name,), count) for name, count in dict(counts).items()]
