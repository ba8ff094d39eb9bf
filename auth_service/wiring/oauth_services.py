"""The services of one unit of work that are about clients and tokens."""

from auth_service.accounts.account_mail import Notice
from auth_service.clients.fields import SECOND_FACTOR_GRANT_TYPE, ClientGrant
from auth_service.clients.repository import ClientRepository
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
from auth_service.tokens.refresh_rotation import RefreshRotation
from auth_service.wiring.foundation import Foundation


class OAuthServices(Foundation):
    """What clients ask for."""

    @property
    def clients(self) -> ClientAdministration:
        """Administering clients."""
        return ClientAdministration(ClientRepository(self.session), self.audit, self.revocations, self.origin.now)

    @property
    def client_authenticator(self) -> ClientAuthenticator:
        """Finding out which client asks."""
        throttle = self._parts.client_secret_throttle
        return ClientAuthenticator(ClientRepository(self.session), self.audit, throttle, self.origin.network)

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
        return SignIn(
            self.session, self._users, self.sessions, self.throttle, self.audit, self._token_issuer, self.origin
        )

    @property
    def _client_credentials_grant(self) -> ClientCredentialsGrant:
        return ClientCredentialsGrant(self.gate, self.sessions, self.audit, self._token_issuer, self.origin)

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
