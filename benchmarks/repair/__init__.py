"""How often `luthier.repair` mends a broken training, against random search with its epochs."""
