"""python -m services.gateway.edge: one more process of the edge, beside the one that folds the alerts."""

from cleartide.service import main_beside

from services.gateway.edge.server import serve_edge

main_beside("gateway", "edge", (serve_edge,))
