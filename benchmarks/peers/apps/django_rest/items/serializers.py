"""What the peer built on Django shows of users and items."""

from django.contrib.auth import get_user_model
from rest_framework import serializers

from items.models import Item


class UserSerializer(serializers.ModelSerializer):
    """A user as the API shows it."""

    class Meta:
        """Which columns."""

        model = get_user_model()
        fields = ["id", "username", "email", "first_name", "last_name", "is_active", "is_superuser", "date_joined"]


class ItemSerializer(serializers.ModelSerializer):
    """An item as the API shows and takes it."""

    class Meta:
        """Which columns."""

        model = Item
        fields = ["id", "owner", "title", "description", "price"]
        read_only_fields = ["owner"]
