"""What people send to prove something by mail."""

from httpx import Response

from tests.support.service import PASSWORD, Account, Service, bearer

NEW_PASSWORD = "a much better passphrase"
ACCEPTED = {"detail": "If there is something to send to this address, a mail is on its way."}
ON_ITS_WAY = {"detail": "A mail to the account's address is on its way."}


async def register(service: Service, email: str, password: str = PASSWORD, **fields: str) -> Response:
    return await service.client.post("/users", json={"email": email, "password": password, **fields})


async def ask_to_verify(service: Service, email: str) -> Response:
    return await service.client.post("/email-verifications", json={"email": email})


async def verify(service: Service, token: str, password: str = PASSWORD) -> Response:
    return await service.client.post("/email-verifications/confirm", json={"token": token, "password": password})


async def ask_to_recover(service: Service, email: str) -> Response:
    return await service.client.post("/password-recoveries", json={"email": email})


async def recover(service: Service, token: str, password: str = NEW_PASSWORD) -> Response:
    return await service.client.post("/password-recoveries/confirm", json={"token": token, "new_password": password})


async def ask_for_address(service: Service, account: Account, email: str, password: str = PASSWORD) -> Response:
    body = {"new_email": email, "current_password": password}
    return await service.client.post("/users/me/email", json=body, headers=bearer(account))


async def change_address(service: Service, account: Account, token: str) -> Response:
    return await service.client.post("/users/me/email/confirm", json={"token": token}, headers=bearer(account))


async def patch(service: Service, caller: Account, account: Account, **change: object) -> Response:
    return await service.client.patch(f"/users/{account.id}", json=change, headers=bearer(caller))
