"""The whole story on this machine: a meeting fails, a campaign is launched, people answer, and the tally is checked."""
