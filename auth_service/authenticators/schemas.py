"""The public shapes of second factors."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from auth_service.security.client_input import ClientInput
from auth_service.security.text import Text


class TotpRead(BaseModel):
    """Whether an authenticator app is needed to sign in."""

    enabled: bool
    confirmed_at: datetime | None = Field(description="Since when.")
    recovery_codes_left: int = Field(description="Make new ones before they run out.", examples=[10])


class TotpEnrolment(BaseModel):
    """What an authenticator app needs to know; it is shown once, and counts when a code of it is confirmed."""

    secret: str = Field(description="To type in (base32).", examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"])
    otpauth_uri: str = Field(examples=["otpauth://totp/auth-service:ann%40example.com?secret=JBSWY3DPEHPK3PXP"])
    qr_code_svg: str = Field(description="The same to scan: an SVG document.", examples=["<svg>...</svg>"])
    expires_in: int = Field(description="Seconds in which it has to be confirmed.", examples=[900])


class TotpConfirmation(ClientInput):
    """The proof that the app has got it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "123456"}]})

    code: Text = Field(max_length=16, description="What the app shows now.")


class RecoveryCodesRead(BaseModel):
    """Codes that stand in for a lost app, each of them once. They are not shown again."""

    recovery_codes: list[str] = Field(examples=[["k3vn-7qpa-x2ml-5tcw"]])
