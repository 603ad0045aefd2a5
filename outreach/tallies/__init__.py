"""The folder of events into states and counters, and the read side."""
