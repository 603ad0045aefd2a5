"""Phone trees: captains are asked, their people are texted, and whoever stays silent is routed around."""
