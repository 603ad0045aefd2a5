"""Escalation campaigns: drafts, audiences, planning, launch and pause."""
