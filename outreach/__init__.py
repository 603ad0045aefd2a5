"""Escalation campaigns by text and phone: when an official does not commit, constituents call."""
