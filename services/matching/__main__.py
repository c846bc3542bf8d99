"""python -m services.matching"""

from cleartide.service import main

from services.matching.app import SERVICE

main(SERVICE)
