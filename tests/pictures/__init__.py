"""Pictures of every page of the site, taken while a rehearsal runs: for the README, and to look at after a change."""
