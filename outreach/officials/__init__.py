"""Officials, their offices, meetings with them, stances and promises."""
