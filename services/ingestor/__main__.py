"""python -m services.ingestor"""

from cleartide.service import main

from services.ingestor.app import SERVICE

main(SERVICE)
