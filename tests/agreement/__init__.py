"""What two services know of the same thing is the same: matching's events are folded by the others as they come."""
