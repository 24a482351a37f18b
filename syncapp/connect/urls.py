"""The addresses of the pages by which accounts are connected and looked after."""

from django.urls import path

from . import accountpage, mappages, pages, tablepages

urlpatterns = [
    path("", pages.accounts, name="accounts"),
    path("providers/", pages.providers, name="providers"),
    path("new/<slug:provider>/", pages.new, name="account_new"),
    path("<slug:slug>/", accountpage.account, name="account"),
    path("<slug:slug>/deliveries/", accountpage.deliveries, name="account_deliveries"),
    path("<slug:slug>/deliveries/<int:pk>/replay/", accountpage.replay, name="account_replay"),
    path("<slug:slug>/feeds/<int:pk>/", accountpage.feed, name="account_feed"),
    path("<slug:slug>/remove/", accountpage.removal, name="account_remove"),
    path("<slug:slug>/credentials/", pages.credentials, name="account_credentials"),
    path("<slug:slug>/test/", pages.test, name="account_test"),
    path("<slug:slug>/tables/", tablepages.tables, name="account_tables"),
    path("<slug:slug>/bind/", mappages.bind_to, name="account_bind"),
    path("<slug:slug>/drafts/<int:pk>/", mappages.draft, name="account_draft"),
    path("<slug:slug>/feeds/<int:pk>/remap/", mappages.remap, name="account_remap"),
]
