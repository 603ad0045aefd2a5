"""The WSGI app, as the web server imports it: settings come from the environment."""

from __future__ import annotations

from config.settings import Settings
from outreach.core.logs import set_up_logs
from outreach.web.app import create_app

set_up_logs("web")
app = create_app(Settings.from_environment())
