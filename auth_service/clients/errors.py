"""What the clients room refuses with."""

from auth_service.errors import ConflictError, InvalidInputError, NotFoundError


class ClientNotFoundError(NotFoundError):
    """No client has this id."""

    code = "client_not_found"
    detail = "There is no such client."


class OwnAudienceTakenError(ConflictError):
    """Two services cannot go by one name: either could read what is meant for the other."""

    code = "own_audience_taken"
    detail = "Another client has this audience for its own."


class BuiltInClientError(ConflictError):
    """Administrators sign in through this client: whoever switched it off could not switch it on again."""

    code = "built_in_client"
    detail = "This client is built in: it can be neither changed nor deleted, and it has no secret."


class PublicClientError(ConflictError):
    """A public client has no secret that could be replaced."""

    code = "public_client"
    detail = "This is a public client: it has no secret."


class ConfidentialClientsOnlyError(InvalidInputError):
    """Whoever knows the id of a public client could get its own tokens (RFC 6749 section 4.4)."""

    code = "confidential_clients_only"
    detail = "The grant client_credentials is for confidential clients only."
