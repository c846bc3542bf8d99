"""python -m services.vaults"""

from cleartide.service import main

from services.vaults.app import SERVICE

main(SERVICE)
