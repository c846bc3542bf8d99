"""The engine on whole flows of commands: synthetic, recorded, and those of the public benchmark."""
