"""The Littlest JupyterHub: /opt/tljh/config/jupyterhub_config.d/sbkit.py, then `sudo tljh-config reload`."""

c = get_config()  # noqa: F821  (JupyterHub's own)
c.Spawner.environment = {
    "SBKIT_MAX_SECONDS": "300",  # of training a run
    "SBKIT_MAX_MEMORY": "1GB",  # of one kernel
    "SBKIT_IDLE_SECONDS": "900",  # without a touch of the panel
}
