"""What the items room refuses with."""

from auth_service.errors import ConflictError, NotFoundError


class ItemNotFoundError(NotFoundError):
    """There is no item with this id that the caller may see."""

    code = "item_not_found"
    detail = "There is no such item."


class OwnerGoneError(ConflictError):
    """The account was deleted while it was creating an item."""

    code = "owner_gone"
    detail = "The account that would own this item was just deleted."
