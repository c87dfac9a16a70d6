"""Moodcast: an emotion-aware edge daemon. ARCHITECTURE.md says where things are."""

__version__ = "0.1.0"
