"""The feed's adapters beside the libraries that people use today."""
