"""Which address leads where; each room keeps its own list, named here."""

from django.contrib import admin
from django.urls import include, path

from . import pages, zones

urlpatterns = [
    path("admin/rq/", include("django_rq.urls")),
    path("admin/", admin.site.urls),
    path("", pages.home, name="home"),
    path("zone/", zones.choose_zone, name="zone"),
    path("records/", pages.records, name="records"),
    path("records/<uuid:key>/", pages.record, name="record"),
    path("records/<uuid:key>/why/<slug:unit>/", pages.why, name="why"),
    path("records/<uuid:key>/edit/<slug:unit>/", pages.edit, name="edit"),
    path("review/", include("review.urls")),
]
