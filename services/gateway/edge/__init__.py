"""HTTP: one error form, one cache, one limiter, and routes that ask the services' read models."""
