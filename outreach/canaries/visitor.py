"""An organizer at the site: signs in, brings a file, searches, and comes back after the session has ended."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import requests

from outreach.canaries import CanaryError

SECONDS = 120
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Visitor:
    """A browser, as far as forms go."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._http = requests.Session()
        self._http.trust_env = False  # the site is on this machine: no proxy has a part in it

    def sign_in(self, link: str) -> None:
        """Spend a one-time link."""
        self.press(link, link)
        self.get("/people/")

    def get(self, path: str) -> requests.Response:
        """A page that must be there. Raises CanaryError."""
        page = self._http.get(urljoin(self._address, path), timeout=SECONDS)
        if not page.ok:
            raise CanaryError("canary_page", path=path, status=page.status_code)
        return page

    def press(
        self,
        page: str,
        path: str,
        data: dict[str, str] | None = None,
        file: tuple[str, bytes] | None = None,
    ) -> requests.Response:
        """Send the form at ``path``, with the token of a page that has one; whatever the answer is."""
        found = _TOKEN.search(self.get(page).text)
        if found is None:
            raise CanaryError("canary_page", path=page, status="no form")
        return self._http.post(
            urljoin(self._address, path),
            data={**(data or {}), "csrf_token": found[1]},
            files={"file": (file[0], file[1], "text/csv")} if file else None,
            # A form that is not from our own pages is never kept for somebody to send again.
            headers={"Origin": self._address, "Referer": urljoin(self._address, page), "Sec-Fetch-Site": "same-origin"},
            timeout=SECONDS,
        )

    def bring(self, name: str, content: bytes, list_name: str) -> requests.Response:
        """Upload a file of people; the page that shows what would happen."""
        said = {"list_name": list_name, "consent": "Signed up at our table (invented, for the canaries)."}
        return self.press("/people/import", "/people/import", said, (name, content))

    def confirm(self, shown: requests.Response) -> None:
        """Press the button under a preview."""
        path = shown.url.removeprefix(self._address)
        self.press(path, f"{path}/confirm")

    def search(self, text: str) -> requests.Response:
        """Look for somebody by name or number."""
        return self.press("/people/", "/people/find", {"sought": text, "list": "0"})

    def search_without_session(self, text: str) -> None:
        """The same after the session has ended: the site shows what was typed, and how to sign in."""
        cookies, self._http.cookies = self._http.cookies, requests.cookies.RequestsCookieJar()
        self._http.post(
            urljoin(self._address, "/people/find"),
            data={"sought": text, "list": "0"},
            headers={"Origin": self._address, "Sec-Fetch-Site": "same-origin"},
            timeout=SECONDS,
        )
        self._http.cookies = cookies
