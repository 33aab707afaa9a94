"""Are luthier's claims right, and is what it finds better? Simulated studies, and real ones."""
