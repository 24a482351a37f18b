"""The addresses of the review pages."""

from django.urls import path

from . import views

app_name = "review"
urlpatterns = [
    path("", views.show_queue, name="queue"),
    path("<int:pk>/", views.show_card, name="card"),
    path("<int:pk>/undo/", views.undo_answer, name="undo"),
    path("<int:pk>/receipt/", views.show_receipt, name="receipt"),
]
