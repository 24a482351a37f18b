"""Which address leads where; each room keeps its own list, named here."""

from django.contrib import admin
from django.urls import include, path
from django_rq.urls import get_admin_urlpatterns, get_api_urlpatterns

from . import brakepages, linkpages, pages, planpages, signinpages, zones
from .access import ADMINISTER, needs
from .hooks import hook

# django-rq would let everybody who signs in empty a queue; here that is for administrators. Its counts as JSON, which
# its pages link to, keep their own check.
QUEUES = [*get_admin_urlpatterns(view_wrapper=needs(ADMINISTER)), *get_api_urlpatterns()]

urlpatterns = [
    path("hooks/<str:token>/", hook, name="hook"),
    path("api/v1/", include("syncapp.api.urls")),
    path("admin/rq/", include((QUEUES, "django_rq"))),
    path("admin/", admin.site.urls),
    path("", pages.home, name="home"),
    path("zone/", zones.choose_zone, name="zone"),
    path("records/", pages.records, name="records"),
    path("records/<uuid:key>/", pages.record, name="record"),
    path("records/<uuid:key>/why/<slug:unit>/", pages.why, name="why"),
    path("records/<uuid:key>/links/<slug:role>/", linkpages.link, name="link"),
    path("records/<uuid:key>/join/<uuid:other>/", linkpages.join, name="join"),
    path("records/<uuid:key>/edit/<slug:unit>/", pages.edit, name="edit"),
    path("brakes/", brakepages.brakes, name="brakes"),
    path("brakes/<int:pk>/", brakepages.brake, name="brake"),
    path("brakes/stop/", brakepages.stop, name="stop"),
    path("brakes/syncs/<slug:slug>/", brakepages.release, name="release"),
    path("plans/", planpages.plans, name="plans"),
    path("plans/<int:pk>/", planpages.plan, name="plan"),
    path("plans/<int:pk>/precedence/", planpages.choose, name="precedence"),
    path("plans/<int:pk>/approve/", planpages.approve_plan, name="approve"),
    path("plans/make/<slug:slug>/", planpages.make, name="make_plan"),
    path("accounts/<slug:slug>/signin/", signinpages.signin, name="signin"),
    path("oauth/callback/", signinpages.callback, name="oauth_callback"),
    path("accounts/", include("syncapp.connect.urls")),
    path("syncs/", include("syncapp.syncs.urls")),
    path("review/", include("review.urls")),
]
