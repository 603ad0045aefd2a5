"""What texts and calls cost a group, and how much they may."""
