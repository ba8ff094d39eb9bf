"""How many security events this process has seen: for whoever watches the service, and not the record of them."""

from collections import Counter
from collections.abc import Iterable

from auth_service.audit.events import AuditEvent, Outcome
from auth_service.audit.models import AuditRecord


class AuditTally:
    """Counts by kinds, outcomes and reasons, of which there are few: never by who or where."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.events: Counter[tuple[AuditEvent, Outcome]] = Counter()
        self.refused_sign_ins: Counter[str] = Counter()

    def done(self, events: Iterable[AuditEvent]) -> None:
        """Count what is committed."""
        for event in events:
            self.events[event, Outcome.SUCCESS] += 1

    def refused(self, records: Iterable[AuditRecord]) -> None:
        """Count what was refused."""
        for record in records:
            event = AuditEvent(record.event)
            self.events[event, Outcome.FAILURE] += 1
            if event is AuditEvent.SIGN_IN:
                self.refused_sign_ins[record.detail["reason"]] += 1
