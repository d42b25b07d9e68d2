"""Django REST framework: three paginations of the same 517 rows. Usage: drf_app.py PORT"""

import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="test",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "drf.sqlite3"}},
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None},
)
django.setup()

from django.core.wsgi import get_wsgi_application
from django.db import connection, models
from django.urls import path
from rest_framework import generics, pagination, serializers


class Doc(models.Model):
    title = models.CharField(max_length=40)

    class Meta:
        app_label, db_table, ordering = "contenttypes", "doc", ["id"]


class DocSerializer(serializers.ModelSerializer):
    class Meta:
        model, fields = Doc, ["id", "title"]


def view(pagination_class, **attributes):
    attributes = {"pagination_class": type("Pagination", (pagination_class,), attributes)}
    attributes |= {"queryset": Doc.objects.all(), "serializer_class": DocSerializer}
    return type("View", (generics.ListAPIView,), attributes).as_view()


urlpatterns = [
    path("number/", view(pagination.PageNumberPagination, page_size=50)),
    path("offset/", view(pagination.LimitOffsetPagination, default_limit=50, max_limit=50)),
    path("cursor/", view(pagination.CursorPagination, page_size=50, ordering="id")),
]

if "doc" not in connection.introspection.table_names():
    with connection.schema_editor() as editor:
        editor.create_model(Doc)
    Doc.objects.bulk_create(Doc(title=f"doc {i}") for i in range(517))


class Handler(WSGIRequestHandler):
    def log_message(self, *args):
        pass


make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application(), handler_class=Handler).serve_forever()
