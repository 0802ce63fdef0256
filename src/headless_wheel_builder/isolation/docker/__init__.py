"""Isolation by containers."""
