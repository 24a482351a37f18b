"""Records that a person keeps apart although they share a match key, and what a listing in progress showed."""

import django.db.models.deletion
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
        migrations.CreateModel(
            name='Shown',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ids', models.JSONField(default=list)),
                ('at', models.DateTimeField()),
                ('feed', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='syncapp.feed')),
            ],
        ),
    ]
