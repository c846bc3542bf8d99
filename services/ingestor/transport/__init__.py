"""The I/O around the protocol cores: sockets, REST, and publishing to the MARKET stream."""
