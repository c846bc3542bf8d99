"""python -m services.funding"""

from cleartide.service import main

from services.funding.app import SERVICE

main(SERVICE)
