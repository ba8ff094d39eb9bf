"""The services of one unit of work: what the edge and the commands call."""

from auth_service.accounts.account_update import AccountUpdate
from auth_service.accounts.deactivation import AccountDeactivation
from auth_service.accounts.deletion import AccountDeletion
from auth_service.accounts.export import AccountExport
from auth_service.accounts.password_change import PasswordChanger
from auth_service.accounts.personal_records import PersonalRecords
from auth_service.accounts.registration import Registration
from auth_service.accounts.session_control import SessionControl
from auth_service.audit.events import Origin
from auth_service.audit.repository import AuditRepository
from auth_service.audit.service import AuditService
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.password import PasswordAuthenticator
from auth_service.authz.principal import Principal
from auth_service.clients.fields import ClientGrant
from auth_service.clients.repository import ClientRepository
from auth_service.db.session import Session
from auth_service.items.repository import ItemRepository
from auth_service.items.service import ItemService
from auth_service.mail.outbox import Outbox
from auth_service.oauth.client_administration import ClientAdministration
from auth_service.oauth.client_auth import ClientAuthenticator
from auth_service.oauth.grants.client_credentials import ClientCredentialsGrant
from auth_service.oauth.grants.messages import Grant
from auth_service.oauth.grants.password import PasswordGrant
from auth_service.oauth.grants.refresh_token import RefreshTokenGrant
from auth_service.oauth.introspection import TokenIntrospection
from auth_service.oauth.revocation import TokenRevocation
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
        self._users = UserRepository(session)
        self._session_repository = SessionRepository(session)
        self.gate = AccountGate(self._users, ClientRepository(session), self._session_repository)

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
        settings = self._parts.settings.accounts
        return Registration(self.session, self._users, self._passwords, self.audit, settings, self.origin.now)

    @property
    def account_update(self) -> AccountUpdate:
        """Changing accounts."""
        return AccountUpdate(self._users, self.gate, self.sessions, self.audit, self.origin.now)

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
        return PasswordChanger(self._users, self._passwords, self.gate, self.sessions, self.audit, self.origin.now)

    @property
    def session_control(self) -> SessionControl:
        """Seeing and ending sessions."""
        return SessionControl(self._users, self._session_repository, self.sessions, self.audit)

    @property
    def sessions(self) -> Sessions:
        """Opening and ending sessions."""
        return Sessions(self._session_repository, self.revocations, self._parts.settings.tokens)

    @property
    def outbox(self) -> Outbox:
        """Mail that is sent after the commit."""
        return Outbox(self.session, self._parts.outbox_box, self.origin.now)

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
        return ClientAuthenticator(ClientRepository(self.session), self.audit)

    @property
    def retention(self) -> Retention:
        """Removing what is over."""
        return Retention(self._session_repository, self.revocations, self._parts.settings.tokens)

    @property
    def token_endpoint(self) -> TokenEndpoint:
        """Turning grants into tokens."""
        settings = self._parts.settings
        every: dict[ClientGrant, Grant] = {
            ClientGrant.PASSWORD: self._password_grant,
            ClientGrant.REFRESH_TOKEN: self._refresh_token_grant,
            ClientGrant.CLIENT_CREDENTIALS: self._client_credentials_grant,
        }
        grants = {grant.value: every[grant] for grant in settings.oauth.grants}
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
            self._users, self._passwords, self.gate, self.sessions, self.audit, self._token_issuer, self.origin
        )

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
            self.session, parts.hasher, parts.password_policy, parts.breached_passwords, parts.stand_ins
        )
