"""The addresses of the pages of syncs."""

from django.urls import path

from . import changepages, pages

urlpatterns = [
    path("", pages.syncs, name="syncs"),
    path("new/", pages.new, name="sync_new"),
    path("new/template/<slug:template>/", pages.from_template, name="sync_from_template"),
    path("new/account/<slug:slug>/<str:object_slug>/", pages.from_account, name="sync_from_account"),
    path("<slug:slug>/", pages.sync, name="sync"),
    path("<slug:slug>/change/<slug:kind>/", changepages.change, name="sync_change"),
    path("<slug:slug>/roles/<slug:role>/connect/", pages.connect, name="sync_connect"),
]
