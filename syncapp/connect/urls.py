"""The addresses of the pages by which accounts are connected and looked after."""

from django.urls import path

from . import pages

urlpatterns = [
    path("", pages.accounts, name="accounts"),
    path("providers/", pages.providers, name="providers"),
    path("new/<slug:provider>/", pages.new, name="account_new"),
    path("<slug:slug>/credentials/", pages.credentials, name="account_credentials"),
    path("<slug:slug>/test/", pages.test, name="account_test"),
]
