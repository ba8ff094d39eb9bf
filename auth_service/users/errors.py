"""What the users room refuses with."""

from auth_service.errors import ConflictError, InvalidInputError, NotFoundError


class UserNotFoundError(NotFoundError):
    """No account has this id."""

    code = "user_not_found"
    detail = "There is no such user."


class EmailTakenError(ConflictError):
    """Another account has this address, in this or another spelling."""

    code = "email_taken"
    detail = "Another account has this e-mail address."


class UsernameTakenError(ConflictError):
    """Another account has this username."""

    code = "username_taken"
    detail = "Another account has this username."


class TooManyWordsError(InvalidInputError):
    """A search of more words than are looked for; ignoring some would find people who do not match."""

    code = "too_many_words"
    detail = "Search for five words at most."
