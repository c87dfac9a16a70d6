"""Reads the catalogue: YAML files in, items and named mistakes out. ``docs/catalogue.md`` describes the format."""

from edge.catalogue.load import LoadedCatalogue, load_catalogue

__all__ = ["LoadedCatalogue", "load_catalogue"]
