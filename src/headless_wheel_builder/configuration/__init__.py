"""Settings of a project and of its caller: `[tool.headless-wheel-builder]` and `HWB_…` variables."""
