"""The one YAML file: ``schema`` has every key, ``file`` reads it, the others find mistakes and their lines.

Only composition roots and the command line import this.
"""
