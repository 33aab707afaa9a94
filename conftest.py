"""What is collected: modules that need JAX only where it is installed (the extra `fast`)."""

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("jax") else ["src/luthier/engines/compiled/*"]
