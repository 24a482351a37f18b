"""The desk's permissions; no table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Desk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "managed": False,
                "default_permissions": (),
                "permissions": (
                    ("see_records", "May see records, questions and the health of syncs"),
                    ("decide_conflict", "May answer questions"),
                    ("edit_record", "May change values in the hub"),
                ),
            },
        ),
    ]
