"""A service process: the worker, its health endpoints, its queries and its background tasks, from start to drain."""

from cleartide.service.beside import main_beside
from cleartide.service.definition import Query, QueryError, Service, ServiceContext, Surroundings
from cleartide.service.epochs import run_epochs
from cleartide.service.process import main
from cleartide.service.progress import progress_report

__all__ = [
    "Query",
    "QueryError",
    "Service",
    "ServiceContext",
    "Surroundings",
    "main",
    "main_beside",
    "progress_report",
    "run_epochs",
]
