"""How the ranks of a gang come to be; the function they run is the same, and so is what it gives."""
