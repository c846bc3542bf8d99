"""python -m services.analytics"""

from cleartide.service import main

from services.analytics.app import SERVICE

main(SERVICE)
