"""python -m services.product"""

from cleartide.service import main

from services.product.app import SERVICE

main(SERVICE)
