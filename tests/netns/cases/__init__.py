"""The cases, one file a theme. A case is a function marked @case that is given a World."""
