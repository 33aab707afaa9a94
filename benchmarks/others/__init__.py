"""Networks that others wrote and published, trained by luthier and by a loop of their users."""
