"""Records that a person keeps apart although they share a match key."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('syncapp', '0006_plans'),
    ]

    operations = [
        migrations.AddField(
            model_name='record',
            name='apart',
            field=models.JSONField(default=dict),
        ),
    ]
