"""A model of one message's life: the real code on a real database, every other party played by the test."""
