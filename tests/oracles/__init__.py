"""Second opinions: the rules' text, worked out again with nothing of the code that they judge."""
