"""The web application for a WSGI server such as gunicorn."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from syncapp.garbage import look_rarely

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncapp.settings")

# gunicorn takes this code for "failed to boot" and gives up instead of starting the same worker for ever.
BOOT_FAILED = 3


def _have_ready() -> None:
    from syncapp.ready import NotReady, have_servers

    try:
        have_servers(need_redis=True)
    except (NotReady, ImproperlyConfigured) as problem:
        print(f"concord: {problem}", file=sys.stderr)
        sys.exit(BOOT_FAILED)


_have_ready()
application = get_wsgi_application()
look_rarely()
