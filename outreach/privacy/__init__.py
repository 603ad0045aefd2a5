"""What protects people on a list from whoever reads the database."""
