"""The service that folds vaults and farms on chains."""
