"""The services of one unit of work that are about accounts."""

from collections.abc import Mapping

from auth_service.accounts.account_update import AccountUpdate
from auth_service.accounts.current_password import CurrentPassword
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
from auth_service.accounts.recent_sign_in import RecentSignIn
from auth_service.accounts.registration import Registration
from auth_service.accounts.second_factor import SecondFactorControl
from auth_service.accounts.session_control import SessionControl
from auth_service.audit.service import AuditService
from auth_service.authenticators.single_use import SingleUseTokens
from auth_service.authenticators.single_use_repository import SingleUseTokenRepository
from auth_service.db.replica import Lists
from auth_service.items.repository import ItemRepository
from auth_service.items.service import ItemService
from auth_service.mail.messages import Composer
from auth_service.wiring.foundation import Foundation


class AccountServices(Foundation):
    """What people and administrators do with accounts."""

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
        return AccountUpdate(
            self._users, self.gate, self.sessions, self.account_mail, self.audit, settings, self.origin.now
        )

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
            self._current_password,
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
            self.throttle,
            self.audit,
            self.origin.now,
        )

    @property
    def account_deletion(self) -> AccountDeletion:
        """Deleting accounts."""
        attempts = PendingRegistrationRepository(self.session)
        return AccountDeletion(self._users, attempts, self.sessions, self.audit)

    @property
    def account_deactivation(self) -> AccountDeactivation:
        """Leaving."""
        return AccountDeactivation(
            self._users, self._current_password, self.gate, self.sessions, self.audit, self.origin.now
        )

    @property
    def account_export(self) -> AccountExport:
        """What is stored about a person."""
        current = Lists(self.session)  # whoever asks for all that is stored gets it as it is now
        return AccountExport(
            self._users,
            self._session_repository,
            self.second_factors.repository,
            SingleUseTokenRepository(self.session),
            AuditService(current),
            ItemService(ItemRepository(self.session), current, self.audit, self.origin.now).newest_of,
            self.throttle,
            self.origin,
        )

    @property
    def audit_log(self) -> AuditService:
        """Reading security events."""
        return AuditService(self._lists)

    @property
    def password_changer(self) -> PasswordChanger:
        """Changing one's password."""
        return PasswordChanger(
            self._users,
            self._current_password,
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
            self._users,
            self.second_factors,
            self.gate,
            self.sessions,
            self.account_mail,
            self.throttle,
            self.audit,
            recent,
            settings,
        )

    @property
    def session_control(self) -> SessionControl:
        """Seeing and ending sessions."""
        return SessionControl(self._users, self._session_repository, self.sessions, self.audit)

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
    def _single_use_tokens(self) -> SingleUseTokens:
        return SingleUseTokens(SingleUseTokenRepository(self.session), self._users, self.audit)

    @property
    def _pending_registrations(self) -> PendingRegistrations:
        return PendingRegistrations(
            self.session,
            PendingRegistrationRepository(self.session),
            self._users,
            self._passwords,
            self.account_mail,
            self.audit,
            self._parts.settings.accounts,
            self.origin.now,
        )

    @property
    def _current_password(self) -> CurrentPassword:
        return CurrentPassword(self._users, self._passwords, self.audit)
