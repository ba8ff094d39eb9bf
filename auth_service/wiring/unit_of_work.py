"""The services of one unit of work: what the edge and the commands call."""

from collections.abc import Mapping

from auth_service.accounts.account_mail import AccountMail, Notice
from auth_service.accounts.account_update import AccountUpdate
from auth_service.accounts.deactivation import AccountDeactivation
from auth_service.accounts.deletion import AccountDeletion
from auth_service.accounts.email_change import EmailChange
from auth_service.accounts.email_verification import EmailVerification
from auth_service.accounts.export import AccountExport
from auth_service.accounts.mail_composers import MailComposers
from auth_service.accounts.password_change import PasswordChanger
from auth_service.accounts.password_recovery import PasswordRecovery
from auth_service.accounts.pending_registration import PendingRegistrations
from auth_service.accounts.pending_repository import PendingRegistrationRepository
from auth_service.accounts.personal_records import PersonalRecords
from auth_service.accounts.proof_retention import ProofRetention
from auth_service.accounts.recent_sign_in import RecentSignIn
from auth_service.accounts.registration import Registration
from auth_service.accounts.second_factor import SecondFactorControl
from auth_service.accounts.session_control import SessionControl
from auth_service.audit.events import Origin
from auth_service.audit.repository import AuditRepository
from auth_service.audit.service import AuditService
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.password import PasswordAuthenticator
from auth_service.authenticators.second_factor_repository import SecondFactorRepository
from auth_service.authenticators.second_factors import SecondFactors
from auth_service.authenticators.single_use import SingleUseTokens
from auth_service.authenticators.single_use_repository import SingleUseTokenRepository
from auth_service.authenticators.throttle import Throttle
from auth_service.authenticators.throttle_database import forget_expired_counters
from auth_service.authz.principal import Principal
from auth_service.clients.fields import SECOND_FACTOR_GRANT_TYPE, ClientGrant
from auth_service.clients.repository import ClientRepository
from auth_service.db.session import Session
from auth_service.items.repository import ItemRepository
from auth_service.items.service import ItemService
from auth_service.mail.messages import Composer
from auth_service.mail.outbox import Outbox
from auth_service.mail.repository import OutboxRepository
from auth_service.oauth.challenges import SignInChallenges
from auth_service.oauth.client_administration import ClientAdministration
from auth_service.oauth.client_auth import ClientAuthenticator
from auth_service.oauth.grants.client_credentials import ClientCredentialsGrant
from auth_service.oauth.grants.messages import Grant
from auth_service.oauth.grants.password import PasswordGrant
from auth_service.oauth.grants.refresh_token import RefreshTokenGrant
from auth_service.oauth.grants.second_factor import SecondFactorGrant
from auth_service.oauth.introspection import TokenIntrospection
from auth_service.oauth.revocation import TokenRevocation
from auth_service.oauth.sign_in import SignIn
from auth_service.oauth.token_endpoint import TokenEndpoint
from auth_service.oauth.token_issuer import TokenIssuer
from auth_service.oauth.token_reader import TokenReader
from auth_service.tokens.account_gate import AccountGate
from auth_service.tokens.key_inventory import KeyInventory
from auth_service.tokens.key_repository import SigningKeyRepository
from auth_service.tokens.key_rotation import KeyRotation
from auth_service.tokens.refresh_rotation import RefreshRotation
from auth_service.tokens.retention import Retention
from auth_service.tokens.revocations import Revocations
from auth_service.tokens.session_repository import SessionRepository
from auth_service.tokens.sessions import Sessions
from auth_service.users.repository import UserRepository
from auth_service.users.service import UserService
from auth_service.wiring.parts import Parts


class UnitOfWork:
    """The services of one request or command: they share a transaction, a clock reading and an audit trail."""

    def __init__(self, parts: Parts, session: Session, origin: Origin) -> None:
        """Work in `session`; `principal` is whoever this is done for, as soon as that is proven."""
        self._parts = parts
        self.session = session
        self.origin = origin
        self.principal: Principal | None = None
        self.audit = AuditTrail(session, origin)
        verified_email_required = parts.settings.accounts.verified_email_required
        self._users = UserRepository(session, verified_email_required=verified_email_required)
        self._session_repository = SessionRepository(session)
        self.gate = AccountGate(
            self._users,
            ClientRepository(session),
            self._session_repository,
            verified_email_required=verified_email_required,
        )
        self.outbox = Outbox(session, parts.outbox_box, origin.now, is_on=parts.settings.mail.is_on)

    @property
    def users(self) -> UserService:
        """Reading users."""
        return UserService(self._users)

    @property
    def items(self) -> ItemService:
        """Items."""
        return ItemService(ItemRepository(self.session), self.audit, self.origin.now)

    @property
    def registration(self) -> Registration:
        """Creating accounts."""
        return Registration(
            self.session,
            self._users,
            self._passwords,
            self.throttle,
            self._pending_registrations,
            self.account_mail,
            self.audit,
            self._parts.settings.accounts,
            self.origin,
        )

    @property
    def account_update(self) -> AccountUpdate:
        """Changing accounts."""
        settings = self._parts.settings.accounts
        return AccountUpdate(self._users, self.gate, self.sessions, self.audit, settings, self.origin.now)

    @property
    def email_verification(self) -> EmailVerification:
        """Proving that an address is one's own."""
        return EmailVerification(
            self._single_use_tokens,
            self._pending_registrations,
            self._passwords,
            self.account_mail,
            self.audit,
            self.origin.now,
        )

    @property
    def email_change(self) -> EmailChange:
        """Changing one's address."""
        return EmailChange(
            self._users,
            self._single_use_tokens,
            self._passwords,
            self.gate,
            self.sessions,
            self.account_mail,
            self.audit,
            self.origin.now,
        )

    @property
    def password_recovery(self) -> PasswordRecovery:
        """Getting a new password, or the first one, by mail."""
        return PasswordRecovery(
            self._users,
            self._single_use_tokens,
            self._passwords,
            self.sessions,
            self.account_mail,
            self.audit,
            self.origin.now,
        )

    @property
    def account_deletion(self) -> AccountDeletion:
        """Deleting accounts."""
        return AccountDeletion(self._users, PersonalRecords(self.session), self.sessions, self.audit)

    @property
    def account_deactivation(self) -> AccountDeactivation:
        """Leaving."""
        return AccountDeactivation(self._users, self._passwords, self.gate, self.sessions, self.audit, self.origin.now)

    @property
    def account_export(self) -> AccountExport:
        """What is stored about a person."""
        records = PersonalRecords(self.session)
        return AccountExport(self._users, records, self.audit_log, self.items.newest_of, self.origin.now)

    @property
    def audit_log(self) -> AuditService:
        """Reading security events."""
        return AuditService(AuditRepository(self.session))

    @property
    def password_changer(self) -> PasswordChanger:
        """Changing one's password."""
        return PasswordChanger(
            self._users,
            self._passwords,
            self.gate,
            self.sessions,
            self.account_mail,
            self.audit,
            self.origin.now,
        )

    @property
    def second_factor_control(self) -> SecondFactorControl:
        """Adding and removing second factors."""
        settings = self._parts.settings.second_factor
        recent = RecentSignIn(self._session_repository, settings.recent_sign_in)
        return SecondFactorControl(
            self._users, self.second_factors, self.gate, self.sessions, self.account_mail, self.audit, recent, settings
        )

    @property
    def second_factors(self) -> SecondFactors:
        """Authenticator apps and recovery codes."""
        return SecondFactors(SecondFactorRepository(self.session), self._parts.seed_box, self.origin.now)

    @property
    def session_control(self) -> SessionControl:
        """Seeing and ending sessions."""
        return SessionControl(self._users, self._session_repository, self.sessions, self.audit)

    @property
    def sessions(self) -> Sessions:
        """Opening and ending sessions."""
        return Sessions(self._session_repository, self.revocations, self._parts.settings.tokens)

    @property
    def throttle(self) -> Throttle:
        """Counting attempts."""
        return Throttle(self.session, self._parts.throttle_counters)

    @property
    def composers(self) -> Mapping[str, Composer]:
        """What makes mail of queued messages, by their kind."""
        return MailComposers(
            self.session,
            self._users,
            PendingRegistrationRepository(self.session),
            self._single_use_tokens,
            self._parts.settings.accounts,
            self.origin.now,
        ).by_kind()

    @property
    def account_mail(self) -> AccountMail:
        """Queueing mail about accounts."""
        return AccountMail(self.outbox, self.throttle, self.origin)

    @property
    def queued_mail(self) -> OutboxRepository:
        """The queued mail, and what became of it."""
        return OutboxRepository(self.session)

    @property
    def signing_keys(self) -> SigningKeyRepository:
        """The stored signing keys."""
        return SigningKeyRepository(self.session)

    @property
    def key_rotation(self) -> KeyRotation:
        """Changing signing keys."""
        parts = self._parts
        return KeyRotation(self.signing_keys, parts.key_safe, self.audit, self.revocations, parts.settings.tokens)

    @property
    def key_inventory(self) -> KeyInventory:
        """Listing signing keys, and encrypting them anew."""
        parts = self._parts
        return KeyInventory(self.signing_keys, parts.key_safe, self.audit, parts.settings.tokens)

    @property
    def revocations(self) -> Revocations:
        """What is ended here."""
        return Revocations(self.session, leeway=self._parts.settings.tokens.leeway)

    @property
    def clients(self) -> ClientAdministration:
        """Administering clients."""
        return ClientAdministration(ClientRepository(self.session), self.audit, self.revocations, self.origin.now)

    @property
    def client_authenticator(self) -> ClientAuthenticator:
        """Finding out which client asks."""
        throttle = self._parts.client_secret_throttle
        return ClientAuthenticator(ClientRepository(self.session), self.audit, throttle, self.origin.network)

    async def forget_batch(self) -> bool:
        """Remove some of what is over; say whether there may be more."""
        retention = Retention(self._session_repository, self.revocations, self._parts.settings.tokens)
        proofs = ProofRetention(SingleUseTokenRepository(self.session), PendingRegistrationRepository(self.session))
        kept_for = self._parts.settings.mail.given_up_kept_for
        return any(
            [
                await retention.forget_batch(),
                await proofs.forget_batch(),
                await self._challenges.forget_batch(),
                await self.second_factors.forget_batch(),
                await forget_expired_counters(self.session),
                await self.queued_mail.delete_given_up(older_than=kept_for),
            ]
        )

    @property
    def token_endpoint(self) -> TokenEndpoint:
        """Turning grants into tokens."""
        settings = self._parts.settings
        every: dict[str, Grant] = {
            ClientGrant.PASSWORD: self._password_grant,
            ClientGrant.REFRESH_TOKEN: self._refresh_token_grant,
            ClientGrant.CLIENT_CREDENTIALS: self._client_credentials_grant,
            SECOND_FACTOR_GRANT_TYPE: self._second_factor_grant,
        }
        grants = {grant_type: every[grant_type] for grant_type in settings.oauth.grant_types}
        return TokenEndpoint(grants, self.client_authenticator, settings.tokens)

    @property
    def _client_credentials_grant(self) -> ClientCredentialsGrant:
        return ClientCredentialsGrant(self.gate, self.sessions, self.audit, self._token_issuer, self.origin)

    @property
    def token_revocation(self) -> TokenRevocation:
        """Ending a token."""
        return TokenRevocation(self.client_authenticator, self._token_reader, self.sessions, self.audit)

    @property
    def token_introspection(self) -> TokenIntrospection:
        """Asking whether a token is good."""
        return TokenIntrospection(self.client_authenticator, self._token_reader, self._parts.settings.tokens.issuer)

    @property
    def _token_reader(self) -> TokenReader:
        return TokenReader(self.gate, self._session_repository, self._parts.keys, self._parts.settings.tokens)

    @property
    def _password_grant(self) -> PasswordGrant:
        return PasswordGrant(
            self._users,
            self._passwords,
            self.gate,
            self.second_factors,
            self._challenges,
            self._sign_in,
            self.audit,
        )

    @property
    def _second_factor_grant(self) -> SecondFactorGrant:
        return SecondFactorGrant(
            self.session,
            self._challenges,
            self.second_factors,
            self.gate,
            self._sign_in,
            self.throttle,
            self.audit,
            tell_of_recovery_code=lambda user: self.account_mail.notify(user.email, Notice.RECOVERY_CODE_USED),
        )

    @property
    def _challenges(self) -> SignInChallenges:
        return SignInChallenges(self.session)

    @property
    def _sign_in(self) -> SignIn:
        return SignIn(self.sessions, self.audit, self._token_issuer, self.origin)

    @property
    def _refresh_token_grant(self) -> RefreshTokenGrant:
        parts = self._parts
        rotation = RefreshRotation(
            self.gate, self._session_repository, parts.derivation_keys, parts.settings.tokens, self.origin
        )
        return RefreshTokenGrant(self.session, self.gate, rotation, self.sessions, self.audit, self._token_issuer)

    @property
    def _token_issuer(self) -> TokenIssuer:
        return TokenIssuer(self._parts.keys, self._parts.settings.tokens, self.origin.now)

    @property
    def _passwords(self) -> PasswordAuthenticator:
        parts = self._parts
        return PasswordAuthenticator(
            self.session,
            parts.hasher,
            parts.password_policy,
            parts.breached_passwords,
            parts.stand_ins,
            self.throttle,
            self.origin.network,
        )

    @property
    def _single_use_tokens(self) -> SingleUseTokens:
        return SingleUseTokens(SingleUseTokenRepository(self.session), self._users, self.audit)

    @property
    def _pending_registrations(self) -> PendingRegistrations:
        return PendingRegistrations(
            PendingRegistrationRepository(self.session),
            self._users,
            self._passwords,
            self.account_mail,
            self.audit,
            self._parts.settings.accounts,
            self.origin.now,
        )
