"""Watching over a running site: what stands where, whether the books agree, and the alarms when they do not."""
