"""What the peer built on Django answers with."""

from rest_framework.generics import RetrieveAPIView
from rest_framework.viewsets import ModelViewSet

from items.models import Item
from items.serializers import ItemSerializer, UserSerializer


class CurrentUserView(RetrieveAPIView):
    """Who is calling."""

    serializer_class = UserSerializer

    def get_object(self):
        """Return the user that the token was issued to."""
        return self.request.user


class ItemViewSet(ModelViewSet):
    """One's own items."""

    serializer_class = ItemSerializer

    def get_queryset(self):
        """Return what the caller may see."""
        return Item.objects.filter(owner=self.request.user)

    def perform_create(self, serializer):
        """Store a new item as the caller's."""
        serializer.save(owner=self.request.user)
