"""What a PromQL expression asks for: which metrics, and by which of their labels."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import promql_parser


@dataclass(frozen=True, slots=True)
class Asked:
    """A metric, and the labels that an expression names where it asks for it."""

    metric: str
    labels: frozenset[str]


def asked_of(expression: str) -> set[Asked]:
    """Return what the expression asks for; raises ValueError for one that is not PromQL."""
    return set(_walk(promql_parser.parse(expression.replace("$__rate_interval", "5m")), frozenset()))


def _walk(node: Any, grouped_by: frozenset[str]) -> Iterator[Asked]:
    match node:
        case promql_parser.VectorSelector():
            named = {matcher.name for matcher in node.matchers.matchers}
            yield Asked(str(node.name), grouped_by | named)
        case promql_parser.MatrixSelector():
            yield from _walk(node.vector_selector, grouped_by)
        case promql_parser.AggregateExpr():
            yield from _walk(node.expr, grouped_by | set(node.modifier.labels if node.modifier else ()))
        case promql_parser.BinaryExpr():
            yield from _walk(node.lhs, grouped_by)
            yield from _walk(node.rhs, grouped_by)
        case promql_parser.Call():
            for argument in node.args:
                yield from _walk(argument, grouped_by)
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            yield from _walk(node.expr, grouped_by)
        case promql_parser.NumberLiteral():
            return
        case _:
            raise AssertionError(type(node))
