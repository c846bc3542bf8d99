"""What the tests share: real servers, installations on them, and service processes."""
