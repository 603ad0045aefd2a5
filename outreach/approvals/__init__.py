"""Two people for a launch, where a group asks for it: one asks, another reads the same page and approves."""
