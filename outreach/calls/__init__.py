"""Patch-through calls: a person is called, hears what to say, and is put through to an official's office."""
