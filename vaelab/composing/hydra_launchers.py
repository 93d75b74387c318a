"""Hydra's launchers as options: what each needs, and the one that lists no settings itself."""

EXTRAS = {  # what `pip install 'vaelab[...]'` needs for a launcher
    "joblib": "joblib",
    "submitit_local": "submitit",
    "submitit_slurm": "submitit",
    "slurm": "submitit",
    "ray": "ray",
}
RAY = {  # Hydra's Ray launcher takes anything and lists nothing, so that nothing could be set
    "_target_": "hydra_plugins.hydra_ray_launcher.ray_launcher.RayLauncher",
    "ray": {
        "init": {
            "address": None,
            "num_cpus": None,
            "num_gpus": None,
            "object_store_memory": None,
            "include_dashboard": False,
            "log_to_driver": True,
        },
        "remote": {"num_cpus": 1, "num_gpus": 0},
    },
}
