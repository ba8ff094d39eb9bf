"""Requests with secrets in every place that there is for one, each of them refused."""

from tests.support.leaks import Caller
from tests.support.oauth import basic
from tests.support.second_factor import GRANT_TYPE

JSON_TYPE = {"Content-Type": "application/json"}
FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


def send_broken_bodies(caller: Caller) -> None:
    """Send secrets in bodies that nobody can read, or that are not what they should be."""
    plant = caller.secrets.plant
    for path in ("/users", "/password-recoveries/confirm", "/email-verifications/confirm"):
        for body in (
            '{"email": "x@example.com", "password": "%s"',
            '{"token": "%s", "password": "a" "b"}',
            '{"token": ["%s"], "password": {"a": "b"}, "new_password": 1}',
            '{"full_name": "%s", "password": 1, "email": 1}',
            '{"a key, %s": "x", "password": "a"}',
            '"%s"',
            "\\x00%s",
        ):
            caller.send("POST", path, 400, 422, content=body % plant("broken JSON"), headers=JSON_TYPE)
        caller.send("POST", path, 413, content=plant("a large body") * 100_000, headers=JSON_TYPE)
    for body in ("grant_type=password&password=%s&password=x&username=x", "%s", "grant_type=%s", "password=%s%%ff%%fe"):
        caller.send("POST", "/oauth/token", 400, content=body % plant("broken form"), headers=FORM_TYPE)
    caller.send("POST", "/oauth/token", 400, json={"grant_type": "password", "password": plant("form in JSON")})


def send_foreign_credentials(caller: Caller, access_token: str) -> None:
    """Send secrets where tokens belong, and tokens where they do not."""
    plant = caller.secrets.plant
    tampered = caller.secrets.keep("a tampered token", access_token[:-8] + "AAAAAAAA")
    for token in (tampered, plant("bearer token"), f"{plant('token')}.{plant('token')}.{plant('token')}"):
        caller.send("GET", "/users/me", 401, token=token)
        caller.send("GET", "/users/me", 400, 401, params={"access_token": token})
        caller.send("GET", f"/no-such-page?token={token}", 404)
        caller.send("GET", f"/users?cursor={token}&search={token}", 401)
        caller.send("GET", f"/users/{token}", 401, 422)
        caller.send("POST", "/oauth/revoke", 200, data={"token": token})
        caller.send("POST", f"/oauth/token?password={token}", 400, data={"grant_type": "password", "username": "x"})
        caller.send("GET", "/users/me", 400, 401, headers={"Authorization": f"Basic {token}", "Cookie": f"t={token}"})
    caller.send("GET", f"/users?cursor={plant('cursor')}", 400, 401, 403, token=access_token)
    caller.send("GET", f"/users/{plant('id')}", 422, token=access_token)


def send_wrong_sign_ins(caller: Caller, address: str, client_id: str) -> None:
    """Send wrong passwords, secrets of clients and codes, and passwords in the place of names."""
    plant = caller.secrets.plant
    form = {"grant_type": "password"}
    for username, password in (
        (address, plant("wrong password")),
        (plant("password as name"), plant("wrong password")),
        (plant("name with NUL") + "\x00", plant("password with NUL") + "\x00"),
        (f"{plant('password as address')}@example.com", plant("wrong password")),
        (address, plant("over-long password") * 20),
        (address, caller.secrets.keep("password of many letters", 'pä$$ "wörd" %41+🔑')),
        (plant("over-long name") * 200, plant("wrong password")),
    ):
        caller.send("POST", "/oauth/token", 400, data={**form, "username": username, "password": password})
    for pair in (f"{client_id}:{plant('client secret')}", f"{plant('client id')}:{plant('client secret')}"):
        caller.secrets.keep("basic pair", basic(pair)["Authorization"].removeprefix("Basic "))
        for path in ("/oauth/token", "/oauth/introspect", "/oauth/revoke"):
            fields = {**form, "username": address, "password": plant("password"), "token": plant("token")}
            caller.send("POST", path, 401, data=fields, headers=basic(pair))
    for fields in (
        {"grant_type": "refresh_token", "refresh_token": plant("refresh token")},
        {"grant_type": GRANT_TYPE, "mfa_token": plant("mfa token"), "otp": plant("otp")},
        {"grant_type": GRANT_TYPE, "mfa_token": plant("mfa token"), "recovery_code": plant("recovery code")},
        {"grant_type": plant("grant type"), "scope": plant("scope")},
        {**form, "username": address, "password": plant("password"), "scope": plant("scope")},
        {**form, "client_id": client_id, "client_secret": plant("client secret")},
        {**form, "client_id": plant("client id"), "username": address, "password": plant("password")},
    ):
        caller.send("POST", "/oauth/token", 400, 401, data=fields)


def send_refused_passwords(caller: Caller, token: str, password: str) -> None:
    """Send new passwords that are too bad, with a right and a wrong present one, and wrong proofs."""
    plant = caller.secrets.plant
    long = plant("new password, too long") * 20
    for current, new in ((password, "1234567"), (password, long), (plant("wrong current"), plant("new password"))):
        body = {"current_password": current, "new_password": new}
        caller.send("PUT", "/users/me/password", 403, 422, token=token, json=body)
    body = {"new_email": caller.secrets.plant_address("wanted"), "current_password": plant("wrong current")}
    caller.send("POST", "/users/me/email", 403, 422, token=token, json=body)
    caller.send("POST", "/users/me/deactivate", 403, 422, token=token, json={"current_password": plant("wrong")})
    caller.send("POST", "/users/me/email/confirm", 403, 422, token=token, json={"token": plant("email token")})
    for prefix in ("", "recover_", "verify_", "email_", "invite_"):
        proof = prefix + plant("one-time token")
        one_time = {"token": proof, "password": plant("password"), "new_password": plant("new password")}
        for path, names in (
            ("/email-verifications/confirm", ("token", "password")),
            ("/password-recoveries/confirm", ("token", "new_password")),
        ):
            caller.send("POST", path, 400, 403, 422, json={name: one_time[name] for name in names})
