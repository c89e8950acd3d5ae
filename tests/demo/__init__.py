"""The demo: `python -m tests.demo`, behind `make demo`. It shows the main job on three lab hosts, with real parts."""
