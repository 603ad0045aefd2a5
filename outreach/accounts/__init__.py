"""The organizing groups and the people who sign in for them."""
