"""Pages of the site that are made: of presets and public objects, and what they are made with."""
