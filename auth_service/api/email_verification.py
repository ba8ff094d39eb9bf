"""Proving that an address is one's own."""

from fastapi import APIRouter, Response

from auth_service.accounts.schemas import Accepted, EmailVerificationConfirm, MailRequest
from auth_service.api.dependencies import Work
from auth_service.api.openapi import problems
from auth_service.authenticators.errors import InvalidOneTimeTokenError
from auth_service.mail.errors import MailOffError
from auth_service.users.errors import UsernameTakenError

router = APIRouter(prefix="/email-verifications", tags=["proofs by mail"])


@router.post("", status_code=202, responses=problems(400, MailOffError, 422, 429))
async def request_email_verification(wanted: MailRequest, work: Work) -> Accepted:
    """Ask for another mail with which an address is proven; the answer is the same whoever has the address."""
    return await work.email_verification.request(wanted.email)


@router.post(
    "/confirm",
    status_code=204,
    response_class=Response,
    responses=problems(400, InvalidOneTimeTokenError, UsernameTakenError, 422, 429),
)
async def confirm_email_verification(proof: EmailVerificationConfirm, work: Work) -> None:
    """Prove the address of an account, or confirm a registration: with the mailed token and the chosen password."""
    await work.email_verification.confirm(proof)
