"""Programs of packs for a GPU that is not here: XLA compiles for a described one."""

from __future__ import annotations

import importlib
import logging
from typing import Any

from benchmarks.packs.packing import engine, filled
from luthier.engines.packed.compiling import compiled_epoch
from luthier.engines.packed.groups import SHARE

from luthier.engines.compiled import xla  # isort: skip - after the engine

jax: Any = xla.jax  # type: ignore[attr-defined] # where its flags are set

MEMORY = 80e9
H100 = f"""
gpu_device_info {{
  threads_per_block_limit: 1024 threads_per_warp: 32 threads_per_core_limit: 2048
  shared_memory_per_block: 49152 shared_memory_per_block_optin: 232448
  shared_memory_per_core: 233472 registers_per_core_limit: 65536 registers_per_block_limit: 65536
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
  core_count: 132 fpus_per_core: 128 clock_rate_ghz: 1.98
  memory_bandwidth: 3352320000000 device_memory_size: {MEMORY:.0f} l2_cache_size: 52428800
  cuda_compute_capability {{ major: 9 minor: 0 }}
}}
platform_name: "CUDA"
dnn_version_info {{ major: 9 minor: 10 patch: 2 }}
device_description_str: "NVIDIA H100 80GB HBM3"
"""


def described() -> Any:
    """Return an H100 that programs can be compiled for, and nothing else.

    Raises:
        SystemExit: where JAX is not installed for CUDA.
    """
    # No public way leads to a plugin without a device.
    lib: Any = importlib.import_module("jax._src.lib")
    client = lib.xla_client

    logging.getLogger("jax._src.xla_bridge").setLevel(logging.CRITICAL)  # that there is no GPU
    jax.config.update("jax_enable_compilation_cache", False)  # it could not be read again
    jax.devices("cpu")  # now JAX has looked for plugins
    for kind in ("cuda13", "cuda12"):
        try:
            plugin: Any = importlib.import_module(f"jax_plugins.xla_{kind}")
        except ImportError:
            continue
        plugin._load_nvidia_libraries()
        if not client.pjrt_plugin_loaded("cuda"):
            client.load_pjrt_plugin_dynamically("cuda", str(plugin._get_library_path()))
        if not client.pjrt_plugin_initialized("cuda"):
            client.initialize_pjrt_plugin("cuda")
        shape = {"topology": "1x1x1", "target_config": H100}
        topology = lib._jax.get_default_c_api_topology("cuda", "", shape)
        return topology._make_compile_only_devices()[0]
    raise SystemExit(
        "JAX has no CUDA compiler here: pip install 'jax[cuda12]' (5 GB; no GPU is needed)"
    )


def programs(name: str, size: int, convolutions: str, **recipe_keys: Any) -> dict[str, str]:
    """Return training and evaluation of an epoch of a pack, as XLA left them."""
    device = described()
    packed = engine("cpu", 1, convolutions)
    filled(packed, name, 1, **recipe_keys)
    trial = packed._trials[0]
    with packed._here():
        room = SHARE * MEMORY
        epoch = compiled_epoch(trial, trial.features, size, packed._truth, device, room)
    return {"training": epoch.training.as_text(), "evaluation": epoch.evaluation.as_text()}
