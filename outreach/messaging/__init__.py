"""Texts out and in: claim, slice, send, record; replies and what they mean."""
