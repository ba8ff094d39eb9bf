"""Reads the forms of the OAuth endpoints strictly (RFC 6749 appendix B): UTF-8, and each parameter once."""

from typing import Any
from urllib.parse import unquote_plus

from fastapi import Request
from pydantic import BaseModel
from python_multipart.multipart import Field, FormParser

from auth_service.oauth.errors import InvalidRequestError
from auth_service.security.text import refuse_unstorable

FORM_TYPE = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields that have a value; raises InvalidRequestError for a repeated one, or for another body.

    Starlette's own reading takes bytes that are not percent-encoded for Latin-1, and replaces what is not UTF-8: a
    password would be compared in another spelling than the one that was sent.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
        raise InvalidRequestError
    fields: list[Field] = []
    parser = FormParser(FORM_TYPE, fields.append, None)
    parser.write(await request.body())
    parser.finalize()
    try:
        pairs = [(_decode(field.field_name), _decode(field.value)) for field in fields]
    except ValueError:
        raise InvalidRequestError from None
    if len({name for name, _ in pairs}) < len(pairs):
        raise InvalidRequestError
    return {name: value for name, value in pairs if value}


async def get_oauth_parameters(request: Request) -> dict[str, str]:
    """Return the form's fields that have a value; raises InvalidRequestError.

    Two Authorization headers are two ways of authenticating at once (RFC 6749 section 2.3).
    """
    if len(request.headers.getlist("authorization")) > 1:
        raise InvalidRequestError
    return await read_form(request)


def document_form(form: type[BaseModel]) -> dict[str, Any]:
    """Describe the body that `read_form` reads, for the OpenAPI document."""
    return {"requestBody": {"required": True, "content": {FORM_TYPE: {"schema": form.model_json_schema()}}}}


def _decode(raw: bytes | None) -> str:
    text: str = refuse_unstorable(unquote_plus((raw or b"").decode(), errors="strict"))
    return text
