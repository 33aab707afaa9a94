"""How often `luthier.check` is right: published faulty trainings, and random healthy set-ups."""
