"""Jobs that send."""

from __future__ import annotations

from outreach.messaging.send import send_batch as send
from workers.context import STOPPING, carrier, runtime, sender_threads

SECONDS = 5.0
"""So long a campaign that was launched now may wait for its planning, where there is one worker."""


def send_batch(gate_id: int) -> None:
    """Send what is due for some seconds."""
    send(runtime(), carrier(), gate_id, threads=sender_threads(), seconds=SECONDS, stopping=STOPPING.is_set)
