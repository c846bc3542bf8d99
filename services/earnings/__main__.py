"""python -m services.earnings"""

from cleartide.service import main

from services.earnings.app import SERVICE

main(SERVICE)
