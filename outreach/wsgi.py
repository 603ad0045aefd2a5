"""The WSGI app, as the web server imports it: settings come from the environment."""

from __future__ import annotations

from outreach.core import garbage  # before all others

# isort: split
from config.settings import Settings
from outreach.core.error_reports import report_errors
from outreach.core.latencies import LATENCIES
from outreach.core.logs import set_up_logs
from outreach.core.room import CROWD
from outreach.core.runtime import open_runtime, require_usable
from outreach.web.app import create_app

set_up_logs("web")
settings = Settings.from_environment()
report_errors(settings, "web")
LATENCIES.report_to(settings.redis_url)
CROWD.report_to(settings.redis_url)
held = open_runtime(settings)
require_usable(held)
app = create_app(settings, held)
garbage.begin()
