"""The report as Markdown, and the pictures beside it."""

import json
import subprocess
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.installation import describe_machine
from benchmarks.peers import environments
from benchmarks.peers.question import SIGN_IN_SECONDS
from benchmarks.peers.sections import Section

POSTGRES, LOAD = "PostgreSQL", "load generator"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: the claimants are enough that nobody comes to have very many sessions.

    What is `left_out`, questions and peers, takes long.
    """

    repetitions: int
    warm_up_seconds: float
    seconds: float
    claimants: int
    is_short: bool
    left_out: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the figures were measured with; the versions by what has them."""

    versions: Mapping[str, str]
    scale: Scale
    load_average: float
    refused: Sequence[str]


def render(sections: Mapping[str, Section], seen: Circumstances) -> str:
    """Return all of it; a section's name is that of its picture."""
    parts = ["# This service beside its peers", *_opening(seen), "## Goals", _goals(sections.values(), seen.refused)]
    for name, section in sections.items():
        parts += [f"## {section.title}", *section.text, f"![{section.title}]({picture_name(name)})"]
    return "\n\n".join(parts) + "\n"


def missed_goals(sections: Mapping[str, Section], seen: Circumstances) -> list[str]:
    """Return the goals that were not reached; that all is answered is one of them."""
    return [goal for section in sections.values() for goal, met in section.goals.items() if not met] + [*seen.refused]


def draw(sections: Mapping[str, Section], folder: Path) -> None:
    """Draw a picture for each question, by matplotlib in an environment of its own."""
    source = environments.HERE / "pictures"
    python = environments.prepare_python("pictures", source)
    pictures = [
        {
            "file": str(folder / picture_name(name)),
            "title": section.title,
            "panels": [asdict(panel) for panel in section.panels],
        }
        for name, section in sections.items()
    ]
    subprocess.run([str(python), str(source / "draw.py")], input=json.dumps(pictures), text=True, check=True)


def picture_name(question: str) -> str:
    """Return the file that shows this question."""
    return f"peers-{question}.png"


def _opening(seen: Circumstances) -> list[str]:
    scale, versions = seen.scale, {**seen.versions}
    machine = describe_machine(versions.pop(POSTGRES))
    load = versions.pop(LOAD)
    short = (
        "**A short run, to show what the command does. Its figures are no result: a full run on a machine at rest is.**"
    )
    how = (
        f"{machine} One process each, in production as its documentation says, over one PostgreSQL that does not wait "
        "for the disk (`fsync` off), a database each. All of them run while one of them is loaded, and take turns; the "
        f"figures are medians of {scale.repetitions} x {scale.seconds:g} s ({SIGN_IN_SECONDS:g} s where "
        f"people sign in) after {scale.warm_up_seconds:g} s of warm-up. Before each the answer is checked; after "
        "each the server comes to rest."
    )
    noise = (
        f"The load average before the run was {seen.load_average:.1f}. What else runs bends the figures; least of all "
        "the last column of some tables, the rate by the second of processor time that the server used. A pinned "
        "server that used less than its core waited for that, or for the load."
    )
    where = (
        "*Pinned*: the server on one core, load generator and PostgreSQL on another; *unpinned*: wherever the kernel "
        f"puts them. Load: {load}. autocannon sends as much as is answered; at a fixed rate undici does, because "
        "autocannon would spend each second's requests at the second's beginning. What was measured:"
    )
    listed = "\n".join(f"- {each}" for each in versions.values())
    return [*([short] if scale.is_short else []), how, noise, where, listed]


def _goals(sections: Iterable[Section], refused: Sequence[str]) -> str:
    answered = f"MISSED ({'; '.join(refused)})" if refused else "met"
    lines = [f"- Every answer under load is 2xx: {answered}."]
    for section in sections:
        lines += [f"- {section.title}: {goal}: {'met' if met else 'MISSED'}." for goal, met in section.goals.items()]
    return "\n".join(lines)
