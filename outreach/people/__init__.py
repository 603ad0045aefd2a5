"""Constituents: lists, consent, suppression, zones and quiet hours."""
