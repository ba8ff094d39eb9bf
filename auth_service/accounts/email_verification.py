"""How the owner of an address proves that it is theirs: by a mail, and by what only the account's person knows."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr

from auth_service.accounts.account_mail import AccountMail, MailKind
from auth_service.accounts.errors import WrongPasswordError
from auth_service.accounts.pending_registration import PendingRegistrations
from auth_service.accounts.schemas import Accepted, EmailVerificationConfirm
from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.password import PasswordAuthenticator
from auth_service.authenticators.single_use import Purpose, SingleUseTokens, purpose_of
from auth_service.authenticators.throttle_settings import ThrottleKind


@dataclass(frozen=True, slots=True)
class EmailVerification:
    """A link alone changes nothing: whoever clicks one in a mail that a stranger caused gives that stranger nothing."""

    tokens: SingleUseTokens
    pending: PendingRegistrations
    passwords: PasswordAuthenticator
    mail: AccountMail
    audit: AuditTrail
    now: datetime

    async def request(self, email: str) -> Accepted:
        """Queue another mail for whoever has to prove this address; nobody is told whether there is such a person.

        Raises MailOffError, TooManyAttemptsError.
        """
        await self.mail.admit(email, ThrottleKind.VERIFICATION_MAIL)
        self.mail.queue(MailKind.VERIFY_EMAIL, email=email)
        return Accepted()

    async def confirm(self, proof: EmailVerificationConfirm) -> None:
        """Take the proof: of an account's address, or of a registration's, which becomes an account by that.

        Raises InvalidOneTimeTokenError, TooManyAttemptsError, WrongPasswordError, EmailTakenError, UsernameTakenError.
        """
        token = proof.token.get_secret_value()
        match purpose_of(token, among=(Purpose.VERIFY_EMAIL, Purpose.CONFIRM_REGISTRATION)):
            case Purpose.CONFIRM_REGISTRATION:
                await self.pending.confirm(token, proof.password)
            case _:
                await self._verify(token, proof.password)

    async def _verify(self, token: str, password: SecretStr) -> None:
        found = await self.tokens.find(token, Purpose.VERIFY_EMAIL)
        verification = await self.passwords.verify(found, password, kind=ThrottleKind.PASSWORD, identifier=found.email)
        if not verification.matches:
            self.audit.record_refusal(AuditEvent.EMAIL_VERIFIED, actor=None, subject=found.id, reason="wrong_password")
            raise WrongPasswordError
        user, _address = await self.tokens.redeem(token, Purpose.VERIFY_EMAIL)
        user.email_verified_at = self.now
        user.updated_at = self.now
        self.audit.record(AuditEvent.EMAIL_VERIFIED, actor=None, subject=user.id)
