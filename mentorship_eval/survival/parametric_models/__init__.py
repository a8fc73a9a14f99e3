"""Accelerated failure time models."""
