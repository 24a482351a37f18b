"""The addresses of the API. Questions are the desk's: named by string, as rooms are."""

from django.urls import include, path, re_path

from . import brakes, held, links, plans, views

app_name = "api"
urlpatterns = [
    path("", views.Index.as_view(), name="index"),
    path("records/", views.Records.as_view(), name="records"),
    path("records/<uuid:pk>/", views.Records.as_view(), name="record"),
    path("records/<uuid:pk>/links/<slug:role>/", links.Links.as_view(), name="link"),
    path("records/<uuid:pk>/join/", links.Join.as_view(), name="join"),
    path("records/<uuid:pk>/apart/", links.Apart.as_view(), name="apart"),
    path("ledger/", views.Lines.as_view(), name="ledger"),
    path("ledger/<int:pk>/", views.Lines.as_view(), name="line"),
    path("deliveries/", views.Deliveries.as_view(), name="deliveries"),
    path("deliveries/<int:pk>/", views.Deliveries.as_view(), name="delivery"),
    path("pushes/", views.Pushes.as_view(), name="pushes"),
    path("pushes/<int:pk>/", views.Pushes.as_view(), name="push"),
    path("brakes/", brakes.Brakes.as_view(), name="brakes"),
    path("brakes/<int:pk>/", brakes.Brakes.as_view(), name="brake"),
    path("brakes/<int:brake>/held/", held.Items.as_view(), name="held"),
    path("brakes/<int:brake>/release", held.Release.as_view(), name="release-held"),
    path("brakes/<int:brake>/leave", held.Leave.as_view(), name="leave-held"),
    path("stop", brakes.Stop.as_view(), name="stop"),
    path("syncs/<slug:slug>/release", brakes.Release.as_view(), name="release"),
    path("plans/", plans.Plans.as_view(), name="plans"),
    path("plans/<int:pk>/", plans.Plans.as_view(), name="plan"),
    path("plans/<int:pk>/items/", plans.Items.as_view(), name="items"),
    path("plans/<int:pk>/approve", plans.Approve.as_view(), name="approve"),
    path("conflicts/", include("review.api_urls")),
    re_path("^(?P<rest>.*)$", views.nowhere),
]
