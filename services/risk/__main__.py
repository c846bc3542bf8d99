"""python -m services.risk"""

from cleartide.service import main

from services.risk.app import SERVICE

main(SERVICE)
