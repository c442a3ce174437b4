// Carries the headers that are compiled once for everything of ours.
