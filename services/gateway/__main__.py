"""python -m services.gateway"""

from cleartide.service import main

from services.gateway.app import SERVICE

main(SERVICE)
