"""The life of an account on a server, with every secret that is sent, mailed or handed out kept to be looked for."""

from typing import Any

from tests.support.leaks import Caller
from tests.support.second_factor import GRANT_TYPE, code_of, wrong_code
from tests.support.smtp import Mailbox

SIGN_IN = {"grant_type": "password"}


def mailed_token(caller: Caller, mailbox: Mailbox, address: str, page: str) -> str:
    """Return the token of the newest mail that leads to this page; the link is a secret as well."""
    found = [mail for mail in mailbox.to(address) if f"/{page}#token=" in mail.text]
    if not found:
        mailbox.wait_until(lambda: any(f"/{page}#token=" in mail.text for mail in mailbox.to(address)))
        return mailed_token(caller, mailbox, address, page)
    caller.secrets.keep(f"link to {page}", found[-1].link)
    return caller.secrets.keep(f"token for {page}", found[-1].token)


def sign_in(caller: Caller, address: str, password: str, *statuses: int) -> dict[str, Any]:
    form = {**SIGN_IN, "username": address, "password": password}
    answer: dict[str, Any] = caller.send("POST", "/oauth/token", *(statuses or (200,)), data=form).json()
    return answer


def begin_life(caller: Caller, mailbox: Mailbox) -> tuple[str, str]:
    """Register, prove the address, change it, forget and recover the password; return the last of each."""
    first, address = (caller.secrets.plant_address(name) for name in ("first", "second"))
    password, recovered = caller.secrets.plant("password"), caller.secrets.plant("recovered password")
    caller.send("POST", "/users", 201, json={"email": first, "password": password})
    caller.send("POST", "/users", 409, json={"email": first, "password": caller.secrets.plant("of a second attempt")})
    token = mailed_token(caller, mailbox, first, "verify-email")
    for tried, status in ((caller.secrets.plant("wrong"), 403), (password, 204), (password, 400)):
        proof = {"token": token, "password": tried}
        caller.send("POST", "/email-verifications/confirm", status, 403, 422, json=proof)
    signed_in = sign_in(caller, first, password)["access_token"]
    wanted = {"new_email": address, "current_password": password}
    caller.send("POST", "/users/me/email", 202, token=signed_in, json=wanted)
    token = mailed_token(caller, mailbox, address, "change-email")
    caller.send("POST", "/users/me/email/confirm", 204, token=signed_in, json={"token": token})
    caller.send("POST", "/password-recoveries", 202, json={"email": address})
    caller.send("POST", "/password-recoveries", 202, json={"email": caller.secrets.plant_address("unknown")})
    token = mailed_token(caller, mailbox, address, "reset-password")
    for new, status in (("1234567", 422), (recovered, 204), (caller.secrets.plant("too late"), 400)):
        proof = {"token": token, "new_password": new}
        caller.send("POST", "/password-recoveries/confirm", status, 403, 422, json=proof)
    return address, recovered


def protect(caller: Caller, address: str, password: str) -> str:
    """Add an app, use it and a recovery code, rightly and wrongly; return an access token."""
    token = sign_in(caller, address, password)["access_token"]
    seed = caller.send("POST", "/users/me/totp", 201, token=token).json()["secret"]
    codes = [caller.secrets.keep("code", code) for code in (code_of(seed), code_of(seed, steps=1))]
    wrong = caller.secrets.keep("wrong code", wrong_code(seed))
    caller.send("POST", "/users/me/totp/confirm", 400, 403, 422, token=token, json={"code": wrong})
    added = caller.send("POST", "/users/me/totp/confirm", 200, token=token, json={"code": codes[0]})
    recovery = added.json()["recovery_codes"][0]
    for factor, status in (
        ({"otp": wrong}, 400),
        ({"otp": codes[0]}, 400),
        ({"otp": codes[1]}, 200),
        ({"recovery_code": caller.secrets.plant("recovery code")}, 400),
        ({"recovery_code": recovery}, 200),
        ({"recovery_code": recovery}, 400),
    ):
        challenge = sign_in(caller, address, password, 400)["mfa_token"]
        form = {"grant_type": GRANT_TYPE, "mfa_token": challenge, **factor}
        answer = caller.send("POST", "/oauth/token", status, data=form).json()
        token = answer.get("access_token", token)
    caller.send("DELETE", "/users/me/totp", 204, token=token)
    return refresh_too_often(caller, sign_in(caller, address, password)["refresh_token"], address, password)


def refresh_too_often(caller: Caller, refresh_token: str, address: str, password: str) -> str:
    """Use a refresh token, its successor, and the first one again; then sign in anew."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    second = caller.send("POST", "/oauth/token", 200, data=form).json()
    successor = {**form, "refresh_token": second["refresh_token"]}
    caller.send("POST", "/oauth/token", 200, data=successor)
    caller.send("POST", "/oauth/token", 400, data=form)
    token: str = sign_in(caller, address, password)["access_token"]
    return token


def administer(caller: Caller, administrator: str, password: str) -> str:
    """Make a client whose secret is shown, rotate it, and invite somebody; return the client's id."""
    token = sign_in(caller, administrator, password)["access_token"]
    body = {"name": "Orders", "kind": "confidential", "grants": ["client_credentials"], "scopes": ["items:read"]}
    made = caller.send("POST", "/clients", 201, token=token, json=body).json()
    client: str = made["client_id"]
    pair = (client, made["client_secret"])
    form = {"grant_type": "client_credentials"}
    issued = caller.send("POST", "/oauth/token", 200, data=form, auth=pair).json()["access_token"]
    caller.send("POST", "/oauth/introspect", 200, data={"token": issued}, auth=pair)
    caller.send("POST", "/oauth/introspect", 200, data={"token": token}, auth=pair)
    invited = {"email": caller.secrets.plant_address("invited")}
    user = caller.send("POST", "/users", 201, token=token, json=invited).json()["id"]
    caller.send("POST", f"/users/{user}/invitation", 202, token=token)
    return client
