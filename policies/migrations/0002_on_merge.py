"""What follows when an account merges two records."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('policies', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='policyset',
            name='on_merge',
            field=models.CharField(choices=[('ask', 'ask'), ('follow', 'follow'), ('unlink', 'unlink')], default='ask', max_length=10),
        ),
    ]
