"""The glossary can be looked things up in: it is in order, and has each word once."""

from pathlib import Path

GLOSSARY = Path(__file__).parents[1] / "docs" / "glossary.md"


def test_the_words_of_the_glossary_are_in_order_and_each_is_there_once() -> None:
    rows = [line.split("|")[1].strip() for line in GLOSSARY.read_text().splitlines() if line.startswith("| ")]
    words = [row.casefold() for row in rows[1:]]

    assert words == sorted(set(words))
    assert len(words) > 50
