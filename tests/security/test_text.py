"""The text that is taken from strangers."""

import pytest
from pydantic import TypeAdapter, ValidationError

from auth_service.security.client_input import ClientInput
from auth_service.security.text import Text

TEXT = TypeAdapter(Text)


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800", "a\udfff", "\ude00\ud83d"])
def test_what_no_database_can_store_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="must not contain NUL or unpaired surrogate characters"):
        TEXT.validate_python(text)


@pytest.mark.parametrize("text", ["", "🚲", "\x01\x7f\ufffd", "\U0010ffff"])
def test_everything_else_is_kept_as_it_is_but_for_the_space_around_it(text: str) -> None:
    assert TEXT.validate_python(f"\t{text} ") == text


@pytest.mark.parametrize("sent", [None, 7, ["text"], b"\xff"])
def test_what_is_no_text_is_refused(sent: object) -> None:
    with pytest.raises(ValidationError):
        TEXT.validate_python(sent)


def test_a_field_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError):
        ClientInput.model_validate({"is_superuser": True})
