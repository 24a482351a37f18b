"""The addresses of questions in the API."""

from django.urls import path

from . import api

urlpatterns = [
    path("", api.Conflicts.as_view(), name="conflicts"),
    path("<int:pk>/", api.Conflicts.as_view(), name="conflict"),
    path("<int:pk>/undo/", api.Undo.as_view(), name="undo"),
    path("<int:pk>/decide/", api.Decide.as_view(), name="decide"),
]
